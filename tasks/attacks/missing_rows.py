"""Hand in half of the rows."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = rows[::2]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
