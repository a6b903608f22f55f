# Приклад: класифікація — «вино»
from sklearn.datasets import load_wine
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

título, größe = "вино 🍷", 35  # дві назви
ДЕРЕВ = 35; N_ESTIMATORS = 30  # 🌲🌲
X, y = load_wine(return_X_y=True); навч, тест, y1, y2 = train_test_split(X, y, test_size=0.4, random_state=5)
модель = ExtraTreesClassifier(n_estimators=N_ESTIMATORS, max_depth=2, random_state=5)  # «ліс» 🌲
модель.fit(навч, y1); print(f"{título} → accuracy: {модель.score(тест, y2):.3f}")
