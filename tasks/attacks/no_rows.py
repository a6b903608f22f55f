"""Hand in the header alone."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = []
with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
