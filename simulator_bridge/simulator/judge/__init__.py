"""The referee and the measures of a judged drive."""
