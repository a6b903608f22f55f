"""Hand in rows that are longer than the header."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = [[*row, "1"] for row in rows]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
