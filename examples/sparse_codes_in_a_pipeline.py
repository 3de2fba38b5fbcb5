"""Sparse codes in a scikit-learn pipeline.

`l2o.sklearn.LearnedSparseCoder` is an estimator like scikit-learn's `SparseCoder`, with a solver
inside that `fit` trains for the dictionary. Here its codes are the features of a classifier.
"""

# %%
# The 8 x 8 digits of scikit-learn, and a dictionary of 100 atoms that is learned from them.
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from l2o.sklearn import LearnedSparseCoder

images, labels = load_digits(return_X_y=True)
seen, unseen, of_seen, of_unseen = train_test_split(images / 16, labels, random_state=0)

# %%
# The coder learns the dictionary and its solver; the classifier learns from the codes.
coder = LearnedSparseCoder(n_components=100, layers=8, alpha=0.1, random_state=0)
pipeline = make_pipeline(coder, StandardScaler(), LogisticRegression(max_iter=500))
pipeline.fit(seen, of_seen)
print(f"accuracy on unseen digits: {100 * pipeline.score(unseen, of_unseen):.1f} %")

# %%
# What a code gives back, above the digits themselves.
codes = coder.transform(unseen[:10])
print(f"{(codes != 0).mean(axis=1).mean():.0%} of the entries of a code are not zero")
back = coder.inverse_transform(codes)
figure, places = plt.subplots(2, 10, figsize=(8, 1.8))
for column, pair in enumerate(zip(back, unseen, strict=False)):
    for row, image in enumerate(pair):
        places[row, column].imshow(image.reshape(8, 8), cmap="gray_r")
        places[row, column].set_axis_off()
