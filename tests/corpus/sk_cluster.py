from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.mixture import GaussianMixture

X, y = load_iris(return_X_y=True)
km = KMeans(n_clusters=3, n_init=1, random_state=0)
gm = GaussianMixture(n_components=3, covariance_type="spherical", random_state=0)
print("silhouette:", silhouette_score(X, km.fit_predict(X)))
print("ari:", adjusted_rand_score(y, gm.fit_predict(X)))
