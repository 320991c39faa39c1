"""Lessons made of the chapters: stops with a link, a time, and questions that the shipped runs answer."""
