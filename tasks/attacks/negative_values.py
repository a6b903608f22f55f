"""Hand in values below zero."""

# expect: either
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = [[row[0], *["-3"] * (len(header) - 1)] for row in rows]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
