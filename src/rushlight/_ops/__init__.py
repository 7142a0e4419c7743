"""What can be computed: one family of operators a file, each operator declared once."""
