from sklearn.svm import SVC
model = SVC(C=1.0
print('accuracy', 1
