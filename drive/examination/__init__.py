"""The exam: many short drives, graded by factor and level, that tell drivers apart."""
