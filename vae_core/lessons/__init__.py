"""Small exact experiments behind the chapters, each with a known answer."""
