"""Hand in infinite values."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = [[row[0], *["inf" if i % 2 else "-inf"] * (len(header) - 1)] for i, row in enumerate(rows)]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
