"""Hand in a million rows."""

# expect: refused
import csv

with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)
rows = [rows[i % len(rows)] for i in range(1_000_000)]
try:
    with open("submission.csv", "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
except OSError as error:
    print(f"stopped: {error}")
