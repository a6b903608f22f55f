"""Hand in random values of the kind that the sample submission and the training files show."""

# expect: either
import csv
import glob
import random

rng = random.Random(0)
with open("data/sample_submission.csv", newline="") as file:
    header, *rows = csv.reader(file)


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def seen(target):
    """The different values of a target in the public files."""
    values = [row[header.index(target)] for row in rows]
    for path in sorted(glob.glob("data/**/*.csv", recursive=True)):
        with open(path, newline="", encoding="utf-8") as file:
            table = csv.reader(file)
            names = next(table, [])
            if target in names and not path.endswith("sample_submission.csv"):
                values += [row[names.index(target)] for row in table if len(row) == len(names)]
    return sorted(set(values) - {""})


for place, target in enumerate(header[1:], 1):
    known = seen(target)
    numbers = [number(value) for value in known]
    words = sorted({word for value in known for word in value.split(" ")})
    for row in rows:
        if None in numbers:
            length = len(row[place].split(" "))
            row[place] = " ".join(rng.choice(words) for _ in range(length)) if length > 1 else rng.choice(known)
        elif all(value.is_integer() for value in numbers) and len(known) > 1:
            row[place] = rng.choice(known)
        else:
            low, high = (min(numbers), max(numbers)) if len(known) > 1 else (0, 1)
            row[place] = str(rng.uniform(low, high))

with open("submission.csv", "w", newline="") as file:
    csv.writer(file).writerows([header, *rows])
