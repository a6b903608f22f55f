from typing import Annotated

import typer
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

app = typer.Typer()


@app.command()
def train(
    neighbors: int = typer.Option(15, help="how many neighbours vote"),
    weights: str = "uniform",
    p: Annotated[int, typer.Option(help="Minkowski power")] = 2,
    seed: int = typer.Option(0),
) -> None:
    X, y = load_iris(return_X_y=True)
    a, b, c, d = train_test_split(X, y, random_state=seed)
    model = KNeighborsClassifier(n_neighbors=neighbors, weights=weights, p=p)
    model.fit(a, c)
    typer.echo(f"accuracy {model.score(b, d):.4f}")


if __name__ == "__main__":
    app()
