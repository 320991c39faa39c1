"""The store for pages: which run a chapter shows, and results that are cached for all visitors."""
