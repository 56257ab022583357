"""Self-contained HTML pages: one look, one plotting library, one content-security policy."""
