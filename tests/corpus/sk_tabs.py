from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.model_selection import cross_val_score

def evaluate(model, X, y):
	return cross_val_score(model, X, y, cv=5).mean()

def main():
	X, y = load_iris(return_X_y=True)
	models = {
		"lda": LinearDiscriminantAnalysis(),
		"qda": QuadraticDiscriminantAnalysis(reg_param=0.5),
	}
	best = max(evaluate(m, X, y) for m in models.values())
	if best > 0: print("accuracy:", best)

if __name__ == "__main__":
	main()
