"""The daily table as numbers."""

import pandas as pd

COLUMNS = ["hours_open", "bicycles", "price", "competitor_price", "promotion", "holiday", "temperature", "rain"]


def read(name):
    table = pd.read_csv(f"data/{name}.csv")
    date = pd.to_datetime(table["date"])
    X = table[COLUMNS].copy()
    X["weekday"] = date.dt.day_of_week
    X["month"] = date.dt.month
    X["site"] = table["site"].str[1:].astype(int)
    return table, X
