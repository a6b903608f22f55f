"""Hand in the sample submission with the values of one row at the next."""

# expect: constant
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
values = [row[1:] for row in rows]
rows = [[row[0], *value] for row, value in zip(rows, values[1:] + values[:1])]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
