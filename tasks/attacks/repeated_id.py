"""Hand in the right number of rows, with one id in the place of all others."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = [rows[0][:1] + row[1:] for row in rows]
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
