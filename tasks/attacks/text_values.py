"""Hand in words that are no class, and no number."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = [[row[0], *["__import__"] * (len(header) - 1)] for row in rows]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
