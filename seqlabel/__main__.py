"""`python -m seqlabel` is the program `seqlabel`."""

from seqlabel.cli import program

if __name__ == "__main__":
    program()
