"""The built-in simulator, driven by a person from a web page: record, train, watch it drive."""
