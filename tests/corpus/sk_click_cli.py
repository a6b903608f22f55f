import click
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.metrics import mean_squared_error
from sklearn.model_selection import train_test_split


@click.command()
@click.option("--n-estimators", default=50, show_default=True)
@click.option("--learning-rate", "learning_rate", type=float, default=0.1)
@click.option("--max-depth", default=2, type=int)
@click.option("--seed", default=0)
def main(n_estimators, learning_rate, max_depth, seed):
    X, y = load_diabetes(return_X_y=True)
    X_tr, X_te, y_tr, y_te = train_test_split(X, y, random_state=seed)
    model = GradientBoostingRegressor(
        n_estimators=n_estimators, learning_rate=learning_rate, max_depth=max_depth, random_state=seed)
    model.fit(X_tr, y_tr)
    click.echo("mse=%.3f" % mean_squared_error(y_te, model.predict(X_te)))


if __name__ == '__main__':
    main()
