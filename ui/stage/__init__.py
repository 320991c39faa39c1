"""What every chapter is shown on: its steps, its questions, its end, and the glossary behind its words."""
