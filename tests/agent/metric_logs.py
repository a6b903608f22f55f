# Logs stand here as they are printed, so their lines are as long as they are.
# ruff: noqa: E501
"""Outputs as people's training scripts print them, with the metric that a reader would name.

Each case: name, output, files the run wrote, and what is expected: (name as compared, value, direction), None for no metric.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    id: str
    stdout: str
    expected: tuple[str, float, str] | None
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])


MNIST = """Train Epoch: 1 [0/60000 (0%)]\tLoss: 2.300039
Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.213470

Test set: Average loss: 0.0345, Accuracy: 9886/10000 (99%)

"""
QUICKSTART = """Epoch 1
-------------------------------
loss: 2.303494  [   64/60000]
loss: 2.294637  [ 6464/60000]
Test Error: 
 Accuracy: 44.4%, Avg loss: 2.157348 

Epoch 2
-------------------------------
loss: 2.168497  [   64/60000]
Test Error: 
 Accuracy: 61.2%, Avg loss: 1.890000 

Done!
"""
REPORT = """Shape: (1797, 64)
              precision    recall  f1-score   support

           0       0.95      0.93      0.94        55
           1       0.91      0.97      0.94        58

    accuracy                           0.94       113
   macro avg       0.93      0.95      0.94       113
weighted avg       0.93      0.94      0.94       113
"""
REPORT_MULTILABEL = """              precision    recall  f1-score   support

      sports       0.95      0.93      0.99        55
    politics       0.91      0.97      0.94        58

   micro avg       0.93      0.94      0.935       113
   macro avg       0.93      0.95      0.93       113
"""
KERAS2 = """Epoch 1/2
1875/1875 [==============================] - 4s 2ms/step - loss: 0.2940 - accuracy: 0.9144 - val_loss: 0.15 - val_accuracy: 0.9551
Epoch 2/2
1875/1875 [==============================] - 3s 2ms/step - loss: 0.1421 - accuracy: 0.9571 - val_loss: 0.11 - val_accuracy: 0.9660
"""
KERAS3 = (
    "Epoch 1/2\n\x1b[1m 10/313\x1b[0m \x1b[32m━\x1b[0m\x1b[37m━━━━\x1b[0m \x1b[1m1s\x1b[0m 4ms/step - accuracy: 0.10 - loss: 2.3"
    "\x08\x08\x08\x08\x08\x08\r\x1b[1m313/313\x1b[0m \x1b[32m━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m2s\x1b[0m 3ms/step"
    " - accuracy: 0.7921 - loss: 0.7 - val_accuracy: 0.9330 - val_loss: 0.24\n"
)
KERAS_CHECKPOINT = """Epoch 1/3

Epoch 1: val_loss improved from inf to 0.31000, saving model to best.keras
10/10 - 1s - loss: 0.50 - val_loss: 0.3100
Epoch 2/3

Epoch 2: val_loss improved from 0.31000 to 0.29000, saving model to best.keras
10/10 - 1s - loss: 0.40 - val_loss: 0.2900
Epoch 3/3

Epoch 3: val_loss did not improve from 0.29000
10/10 - 1s - loss: 0.30 - val_loss: 0.3300
"""
EARLY_STOPPING = """Epoch 1 train_loss: 0.90 valid_loss: 0.80
Validation loss decreased (inf --> 0.800000).  Saving model ...
Epoch 2 train_loss: 0.70 valid_loss: 0.60
Validation loss decreased (0.800000 --> 0.600000).  Saving model ...
Epoch 3 train_loss: 0.50 valid_loss: 0.65
EarlyStopping counter: 1 out of 1
Early stopping
"""
HF = """{'loss': 0.5213, 'grad_norm': 2.3, 'learning_rate': 5e-05, 'epoch': 1.0}
{'eval_loss': 0.41, 'eval_accuracy': 0.83, 'eval_runtime': 3.2, 'eval_samples_per_second': 120.5, 'epoch': 1.0}
{'loss': 0.3213, 'grad_norm': 1.3, 'learning_rate': 0.0, 'epoch': 2.0}
{'eval_loss': 0.38, 'eval_accuracy': 0.871, 'eval_runtime': 3.1, 'eval_samples_per_second': 121.5, 'epoch': 2.0}
{'train_runtime': 60.1, 'train_samples_per_second': 99.1, 'train_loss': 0.42, 'epoch': 2.0}
100%|██████████| 250/250 [01:00<00:00,  4.16it/s]
"""
HF_5 = """{'loss': '0.5213', 'grad_norm': '2.3', 'learning_rate': '5e-05', 'epoch': '1'}
{'eval_loss': '0.38', 'eval_accuracy': '0.8123', 'eval_runtime': '4.1', 'eval_samples_per_second': '120.5', 'epoch': '1'}
{'loss': '0.3213', 'grad_norm': '1.3', 'learning_rate': '0', 'epoch': '2'}
{'eval_loss': '0.41', 'eval_accuracy': '0.8021', 'eval_runtime': '4.1', 'eval_samples_per_second': '121.5', 'epoch': '2'}
{'train_runtime': '60.1', 'train_samples_per_second': '99.1', 'train_loss': '0.42', 'epoch': '2'}
"""
LIGHTNING = """GPU available: False, used: False
  | Name  | Type   | Params | Mode
0 | model | Linear | 7.9 K  | train
7.9 K     Trainable params
0.031     Total estimated model params size (MB)
Epoch 0: 100%|██████████| 94/94 [00:02<00:00, 40.1it/s, v_num=0, train_loss=0.61, val_loss=0.52, val_acc=0.81]
`Trainer.fit` stopped: `max_epochs=1` reached.
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃        Test metric        ┃       DataLoader 0        ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━┩
│         test_loss         │    0.5100000095367432     │
└───────────────────────────┴───────────────────────────┘
"""
LIGHTNING_TEST = """────────────────────────────────────────────────────────────
       Test metric             DataLoader 0
────────────────────────────────────────────────────────────
        test_acc            0.9750000238418579
        test_loss           0.0810000002384186
────────────────────────────────────────────────────────────
"""
XGB = """[0]\tvalidation_0-logloss:0.60491\tvalidation_1-logloss:0.61210
[50]\tvalidation_0-logloss:0.20491\tvalidation_1-logloss:0.31210
[99]\tvalidation_0-logloss:0.10491\tvalidation_1-logloss:0.30210
"""
LGBM = """[LightGBM] [Info] Number of positive: 2000, number of negative: 2000
[LightGBM] [Info] Total Bins 255
Training until validation scores don't improve for 50 rounds
[100]\ttraining's auc: 0.99\tvalid_1's auc: 0.871
[200]\ttraining's auc: 0.999\tvalid_1's auc: 0.869
Early stopping, best iteration is:
[112]\ttraining's auc: 0.991\tvalid_1's auc: 0.8725
"""
LGBM_MESSAGES = """[LightGBM] [Info] Number of positive: 212, number of negative: 357
[LightGBM] [Info] Auto-choosing row-wise multi-threading, the overhead of testing was 0.000172 seconds.
[LightGBM] [Info] Total Bins 4540
[LightGBM] [Info] [binary:BoostFromScore]: pavg=0.372583 -> initscore=-0.521150
[LightGBM] [Info] Start training from score -0.521150
[LightGBM] [Warning] No further splits with positive gain, best gain: -inf
"""
LGBM_PROGRAM = """[LightGBM] [Info] Finished loading parameters
[LightGBM] [Info] Iteration:1, training auc : 0.91
[LightGBM] [Info] Iteration:1, valid_1 auc : 0.85
[LightGBM] [Info] 0.012 seconds elapsed, finished iteration 1
[LightGBM] [Info] Iteration:2, training auc : 0.93
[LightGBM] [Info] Iteration:2, valid_1 auc : 0.87
[LightGBM] [Info] 0.020 seconds elapsed, finished iteration 2
"""
COCO = """Running per image evaluation...
Evaluate annotation type *bbox*
DONE (t=2.31s).
Accumulating evaluation results...
DONE (t=0.43s).
 Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.371
 Average Precision  (AP) @[ IoU=0.50      | area=   all | maxDets=100 ] = 0.571
 Average Precision  (AP) @[ IoU=0.75      | area=   all | maxDets=100 ] = 0.401
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000
 Average Precision  (AP) @[ IoU=0.50:0.95 | area=medium | maxDets=100 ] = 0.412
 Average Precision  (AP) @[ IoU=0.50:0.95 | area= large | maxDets=100 ] = 0.482
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=  1 ] = 0.311
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets= 10 ] = 0.491
 Average Recall     (AR) @[ IoU=0.50:0.95 | area=   all | maxDets=100 ] = 0.513
 Average Recall     (AR) @[ IoU=0.50:0.95 | area= small | maxDets=100 ] = -1.000
"""
GRID = """Fitting 3 folds for each of 2 candidates, totalling 6 fits
[CV 1/3] END .............................C=0.1;, score=0.810 total time=   0.0s
[CV 2/3] END .............................C=0.1;, score=0.950 total time=   0.0s
[CV 3/3] END ...............................C=1;, score=0.830 total time=   0.0s
"""
GRID_SCORES = """Fitting 2 folds for each of 1 candidates, totalling 2 fits
[CV 1/2; 1/1] START C=0.1.......................................................
[CV 1/2; 1/1] END C=0.1; accuracy: (train=0.900, test=0.833) f1: (train=0.919, test=0.878) total time=   0.0s
[CV 2/2; 1/1] START C=0.1.......................................................
[CV 2/2; 1/1] END C=0.1; accuracy: (train=0.867, test=0.800) f1: (train=0.900, test=0.857) total time=   0.1s
"""
CATBOOST = """0:\tlearn: 0.6712\ttest: 0.6733\tbest: 0.6733 (0)\ttotal: 60ms\tremaining: 59s
999:\tlearn: 0.2012\ttest: 0.3133\tbest: 0.3102 (812)\ttotal: 9s\tremaining: 0us

bestTest = 0.3102
bestIteration = 812
Validation AUC: 0.8812
"""
CATBOOST_LOSS = """0:\tlearn: 0.6712\ttest: 0.6733\tbest: 0.6733 (0)\ttotal: 60ms\tremaining: 59s
500:\tlearn: 0.4012\ttest: 0.4602\tbest: 0.4600 (490)\ttotal: 9s\tremaining: 0us
999:\tlearn: 0.3512\ttest: 0.4733\tbest: 0.4600 (490)\ttotal: 9s\tremaining: 0us

bestTest = 0.46
bestIteration = 490

Shrink model to first 491 iterations.
"""
CATBOOST_WORSE = """0:\tlearn: 0.31\ttest: 0.41\tbest: 0.41 (0)\ttotal: 60ms\tremaining: 59s
1:\tlearn: 0.25\ttest: 0.42\tbest: 0.41 (0)\ttotal: 80ms\tremaining: 0us

bestTest = 0.41
bestIteration = 0
"""
CATBOOST_SCORE = """0:\tlearn: 0.7\ttest: 0.72\tbest: 0.72 (0)\ttotal: 60ms\tremaining: 59s
1:\tlearn: 0.9\ttest: 0.75\tbest: 0.75 (1)\ttotal: 80ms\tremaining: 1s
2:\tlearn: 0.95\ttest: 0.74\tbest: 0.75 (1)\ttotal: 80ms\tremaining: 0us

bestTest = 0.75
bestIteration = 1
"""
CATBOOST_LEARN = """Learning rate set to 0.03
0:\tlearn: 0.6712\ttotal: 60ms\tremaining: 59s
999:\tlearn: 0.35\ttotal: 9s\tremaining: 0us
"""
FOLDS = """Fold 1 AUC: 0.91
Fold 2 AUC: 0.93
Fold 3 AUC: 0.95
Mean AUC: 0.93 +/- 0.016
"""
FOLD_LINES = """Fold 1 accuracy: 0.81
Fold 2 accuracy: 0.83
Fold 3 accuracy: 0.79
"""
FASTAI = """epoch     train_loss  valid_loss  accuracy  time
0         0.342012    0.311203    0.921000  00:03
1         0.202012    0.251203    0.941000  00:03
"""
SKORCH = """  epoch    train_loss    valid_acc    valid_loss     dur
-------  ------------  -----------  ------------  ------
      1        0.6905       0.5800        0.6801  0.0227
      2        0.6605       0.6150        0.6601  0.0201
"""
MARKDOWN = """| Metric | Value |
|--------|-------|
| Accuracy | 0.934 |
| F1 (macro) | 0.921 |
"""
COMPARISON = """Model comparison
               model  accuracy    f1
0  LogisticRegression     0.912  0.90
1        RandomForest     0.934  0.93
"""
SB3 = """---------------------------------
| rollout/           |          |
|    ep_len_mean     | 22.1     |
|    ep_rew_mean     | 187.3    |
| time/              |          |
|    fps             | 1012     |
|    total_timesteps | 2048     |
---------------------------------
"""
NANO = """step:0/1200 val_loss:10.8258 train_time:0ms step_avg:nanms
step:125/1200 val_loss:4.3210 train_time:2000ms step_avg:16ms
step:1200/1200 val_loss:3.2790 train_time:19000ms step_avg:16ms
"""
KAGGLE = """Train shape: (1460, 80) Test shape: (1459, 79)
Number of features: 220
LGBMRegressor(learning_rate=0.05, n_estimators=720, num_leaves=5)
Fold 1 | RMSE: 0.1201
Fold 2 | RMSE: 0.1322
CV RMSE: 0.1262 (0.0061)
Elapsed: 12.31s
"""
HYPER = """Config:
  lr: 0.001
  dropout: 0.5
  label_smoothing: 0.1
  loss: hinge
  loss_weight: 0.3

seed: 42
RandomForestClassifier(max_depth=5, n_estimators=100)
Namespace(lr=0.1, epochs=10, momentum=0.9)
Params: 1,234,567
took 3.2s
validation accuracy: 0.8812
"""
SECTIONS = """=== Training set ===
Accuracy: 0.999
F1: 0.999

=== Test set ===
Accuracy: 0.913
F1: 0.905
"""
PRETTY_JSON = """Results:
{
  "train": {
    "accuracy": 0.99
  },
  "val": {
    "accuracy": 0.93,
    "n": 450
  }
}
"""
OPTUNA = """[I 2024-01-01 12:00:00,123] A new study created in memory with name: no-name-1
[I 2024-01-01 12:00:01,123] Trial 0 finished with value: 0.91 and parameters: {'lr': 0.1}. Best is trial 0 with value: 0.91.
[I 2024-01-01 12:00:02,123] Trial 1 finished with value: 0.89 and parameters: {'lr': 0.5}. Best is trial 0 with value: 0.91.
Best CV score: 0.91
Best params: {'lr': 0.1}
"""
OPTUNA_MIN = """[I 2026-12-01 17:40:59,704] A new study created in memory with name: no-name-ce90d8d5-91d7-4364-ba42-c323bf89a8c7
[I 2026-12-01 17:40:59,706] Trial 0 finished with value: 7.14 and parameters: {'x': -2.672134735173315}. Best is trial 0 with value: 7.14.
[I 2026-12-01 17:40:59,707] Trial 1 finished with value: 2.53 and parameters: {'x': -1.595891776961951}. Best is trial 1 with value: 2.53.
[I 2026-12-01 17:40:59,712] Trial 2 finished with value: 5.99 and parameters: {'x': 2.4492840599792505}. Best is trial 1 with value: 2.53.
"""
OPTUNA_FIRST = """[I 2026-12-01 17:40:59,706] Trial 0 finished with value: 2.53 and parameters: {'x': 1.5}. Best is trial 0 with value: 2.53.
[I 2026-12-01 17:40:59,707] Trial 1 finished with value: 7.14 and parameters: {'x': 2.5}. Best is trial 0 with value: 2.53.
"""
YOLO = """                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95)
                   all        128        929      0.677      0.524      0.605      0.446
"""

CASES = [
    Case("colon", "accuracy: 0.9321\n", ("accuracy", 0.9321, "max")),
    Case("equals", "Training...\naccuracy = 0.93\n", ("accuracy", 0.93, "max")),
    Case("space", "final accuracy 0.93\n", ("final accuracy", 0.93, "max")),
    Case("percent", "Test Accuracy: 93.2%\n", ("test accuracy", 93.2, "max")),
    Case("percent before", "Finished with 93.2% accuracy\n", ("accuracy", 93.2, "max")),
    Case("sentence", "The model reached an accuracy of 0.93 on the test set.\n", ("accuracy", 0.93, "max")),
    Case("pytorch tutorial", "Accuracy of the network on the 10000 test images: 55 %\n",
         ("Accuracy of the network on the test images", 55.0, "max")),
    Case("mnist", MNIST, ("test accuracy", 0.9886, "max")),
    Case("quickstart", QUICKSTART, ("test accuracy", 61.2, "max")),
    Case("classification report", REPORT, ("accuracy", 0.94, "max")),
    Case("report without accuracy", REPORT_MULTILABEL, ("micro avg f1-score", 0.935, "max")),
    Case("keras 2", KERAS2, ("val_accuracy", 0.966, "max")),
    Case("keras 3", KERAS3, ("val_accuracy", 0.933, "max")),
    Case("keras checkpoint", KERAS_CHECKPOINT, ("val_loss", 0.29, "min")),
    Case("early stopping", EARLY_STOPPING, ("valid_loss", 0.6, "min")),
    Case("keras evaluate", KERAS2 + "Test loss: 0.11\nTest accuracy: 0.967\n", ("val_accuracy", 0.966, "max")),
    Case("hugging face", HF, ("eval_accuracy", 0.871, "max")),
    Case("transformers 5", HF_5, ("eval_accuracy", 0.8021, "max")),
    Case("transformers 5 behind a name", "".join(f"Eval: {line}\n" for line in HF_5.splitlines()[1:4:2]), ("eval_accuracy", 0.8021, "max")),
    Case("numbers as strings in a file", "done\n", ("val_acc", 0.875, "max"),
         {"metrics.json": b'{"val_acc": "0.875", "model": "resnet", "note": "0.9 is good", "loss": "nan"}'}),
    Case("lightning", LIGHTNING, ("val_acc", 0.81, "max")),
    Case("lightning test", LIGHTNING_TEST, ("test_acc", 0.9750000238418579, "max")),
    Case("xgboost", XGB, ("validation_1-logloss", 0.3021, "min")),
    Case("lightgbm", LGBM, ("valid_1 auc", 0.8725, "max")),
    Case("lightgbm messages", LGBM_MESSAGES + "Accuracy: 0.9561\n", ("accuracy", 0.9561, "max")),
    Case("lightgbm messages alone", LGBM_MESSAGES, None),
    Case("lightgbm program", LGBM_PROGRAM, ("valid_1 auc", 0.87, "max")),
    Case("coco", COCO, ("AP", 0.371, "max")),
    Case("a range is no value", "IoU=0.50:0.95\nval f1 0.5\n", ("val f1", 0.5, "max")),
    Case("a counter before a value", "accuracy of fold 1:0.81\nF1:0.75\n", ("f1", 0.75, "max")),
    Case("grid search and the test", GRID + "Test accuracy: 0.9\n", ("test accuracy", 0.9, "max")),
    Case("grid search and its training score", GRID + "Train loss: 0.9\n", ("train loss", 0.9, "min")),
    Case("grid search and an unknown name", GRID + "\n" * 30 + "done\nbest skill: 0.4\n", ("best skill", 0.4, "max")),
    Case("grid search alone", GRID, ("search fold score", 0.83, "max")),
    Case("grid search of two scores", GRID_SCORES, ("search fold accuracy", 0.8, "max")),
    Case("grid search and the best score", GRID + "Best params: {'C': 0.1}\nscore: 0.88\n", ("score", 0.88, "max")),
    Case("catboost", CATBOOST, ("validation auc", 0.8812, "max")),
    Case("catboost, a loss", CATBOOST_LOSS, ("best test", 0.46, "min")),
    Case("catboost, a loss that got worse", CATBOOST_WORSE, ("best test", 0.41, "min")),
    Case("catboost, a score", CATBOOST_SCORE, ("best test", 0.75, "max")),
    Case("catboost without a test set", CATBOOST_LEARN, ("learn", 0.35, "min")),
    Case("folds", FOLDS, ("mean auc", 0.93, "max")),
    Case("folds and a bare average", FOLD_LINES + "Average: 0.81\n", ("average accuracy", 0.81, "max")),
    Case("folds and a bare mean with its spread", FOLD_LINES + "Mean: 0.81 +/- 0.016\n", ("mean accuracy", 0.81, "max")),
    Case("folds and a bare mean ± its spread", FOLD_LINES + "\nOverall = 0.81 ± 0.016\nStd: 0.016\n", ("overall accuracy", 0.81, "max")),
    Case("folds and a mean that says of what", FOLD_LINES + "Mean over 3 folds: 0.81\n", ("mean over folds accuracy", 0.81, "max")),
    Case("folds and a named average", FOLD_LINES + "Average accuracy: 0.81 +/- 0.016\n", ("average accuracy", 0.81, "max")),
    Case("folds on one line", " / ".join(FOLD_LINES.splitlines()) + " / Average: 0.81\n", ("accuracy average", 0.81, "max")),
    Case("folds of an error", "Fold 1 - RMSE: 0.31\nFold 2 - RMSE: 0.21\nAverage: 0.26\n", ("average rmse", 0.26, "min")),
    Case("folds named behind", "val_loss (fold 1): 0.31\nval_loss (fold 2): 0.21\nMean: 0.26\n", ("mean val_loss", 0.26, "min")),
    Case("folds of all", "fold=1/2 accuracy=0.9\nfold=2/2 accuracy=0.8\nAverage: 0.85\n", ("average accuracy", 0.85, "max")),
    Case("seeds", "[seed 0] test f1 = 0.7\n[seed 1] test f1 = 0.5\nmean: 0.6 std: 0.1\n", ("mean test f1", 0.6, "max")),
    Case("folds of two metrics", "Fold 1 acc: 0.9 f1: 0.7\nFold 2 acc: 0.8 f1: 0.6\nMean accuracy: 0.85\nMean: 0.65\n", ("mean accuracy", 0.85, "max")),
    Case("fastai", FASTAI, ("accuracy", 0.941, "max")),
    Case("skorch", SKORCH, ("valid_acc", 0.615, "max")),
    Case("markdown", MARKDOWN, ("accuracy", 0.934, "max")),
    Case("stable baselines", SB3, ("ep_rew_mean", 187.3, "max")),
    Case("nanogpt", NANO, ("val_loss", 3.279, "min")),
    Case("kaggle", KAGGLE, ("cv rmse", 0.1262, "min")),
    Case("settings", HYPER, ("validation accuracy", 0.8812, "max")),
    Case("sections", SECTIONS, ("test accuracy", 0.913, "max")),
    Case("pretty json", PRETTY_JSON, ("val accuracy", 0.93, "max")),
    Case("optuna", OPTUNA, ("best cv score", 0.91, "max")),
    Case("optuna minimises", OPTUNA_MIN, ("best trial value", 2.53, "min")),
    Case("optuna minimises and the best value", OPTUNA_MIN + "Best value: 2.53\n", ("best value", 2.53, "min")),
    Case("optuna, the first trial is the best", OPTUNA_FIRST + "Best trial:\n  Value: 2.53\n", ("value", 2.53, "min")),
    Case("optuna names its metric", re.sub(r"value: ([\d.]+) and", r"value: {'rmse': \1} and", OPTUNA_MIN), ("best trial rmse", 2.53, "min")),
    Case("distance", "Hamming distance: 0.12\n", ("hamming distance", 0.12, "min")),
    Case("end point error", "val EPE: 1.91\n", ("val epe", 1.91, "min")),
    Case("treatment effects", "PEHE: 0.61\n", ("pehe", 0.61, "min")),
    Case("how long before the value", "Validation accuracy after 3 epochs: 0.91\n", ("validation accuracy", 0.91, "max")),
    Case("steps before the value", "epoch 1 loss 0.7\nTest loss after 1,000 steps: 0.4\n", ("test loss", 0.4, "min")),
    Case("train and test after the metric", "Accuracy: train 0.99, test 0.91\n", ("test accuracy", 0.91, "max")),
    Case("train and test in percent", "Final accuracy: train 99.1% / test 91.5%\n", ("test final accuracy", 91.5, "max")),
    Case("train/test joined", "accuracy train/test: 0.99/0.91\n", ("test accuracy", 0.91, "max")),
    Case("train/test joined before the metric", "Train/Test accuracy: 0.99 / 0.91\n", ("test accuracy", 0.91, "max")),
    Case("three joined in brackets", "RMSE (train/val/test): 0.1/0.2/0.3\n", ("val rmse", 0.2, "min")),
    Case("shares of the data", "Split: train 0.8, test 0.2\nTrain/test split: 0.8/0.2\nacc: 0.5\n", ("acc", 0.5, "max")),
    Case("log prefix", "2024-01-01 12:00:00,123 INFO root - val_auc: 0.91\n", ("val_auc", 0.91, "max")),
    Case("hydra prefix", "[2024-01-01 12:00:00,123][__main__][INFO] - val_auc: 0.91\n", ("val_auc", 0.91, "max")),
    Case("loguru", "2024-01-01 12:00:00.123 | INFO     | __main__:main:42 - val/f1: 0.91\n", ("val/f1", 0.91, "max")),
    Case("basic config", "INFO:root:seed: 3\nINFO:root:val_auc: 0.91\n", ("val_auc", 0.91, "max")),
    Case("json line", '{"epoch": 3, "train_loss": 0.2, "val": {"acc": 0.91, "loss": 0.4}}\n', ("val acc", 0.91, "max")),
    Case("numpy scalars", "{'rmse': np.float64(3.25), 'mae': np.float64(2.1)}\n", ("rmse", 3.25, "min")),
    Case("tensor", "val_acc: tensor(0.9130, device='cuda:0')\n", ("val_acc", 0.913, "max")),
    Case("regression", "MSE: 2900.19\nRMSE: 53.85\nR2: 0.45\n", ("rmse", 53.85, "min")),
    Case("thousands", "Validation MAE: $16,524.23\n", ("validation mae", 16524.23, "min")),
    Case("scientific", "epoch 10 val_mse 1.25e-03\n", ("val_mse", 0.00125, "min")),
    Case("negative", "neg_mean_squared_error: -3.25\n", ("neg_mean_squared_error", -3.25, "max")),
    Case("grid search", "Best: 0.977865 using {'C': 1, 'gamma': 0.1}\n", ("best", 0.977865, "max")),
    Case("two models", "LogisticRegression accuracy: 0.91\nRandomForest accuracy: 0.95\n", ("RandomForest accuracy", 0.95, "max")),
    Case("train and val", "train accuracy: 0.999\nval accuracy: 0.93\n", ("val accuracy", 0.93, "max")),
    Case("train, val and test", "train f1: 0.9\nval f1: 0.8\ntest f1: 0.85\n", ("val f1", 0.8, "max")),
    Case("same line", "Epoch 3 | train loss 0.3 acc 0.8 | val loss 0.4 acc 0.7\n", ("val acc", 0.7, "max")),
    Case("best line", "Epoch 1 val_acc 0.90\nEpoch 2 val_acc 0.88\nBest val acc: 0.90 (epoch 1)\n", ("best val acc", 0.9, "max")),
    Case("only loss", "epoch 0 loss 0.93\nepoch 1 loss 0.51\n", ("loss", 0.51, "min")),
    Case("baseline", "Majority baseline accuracy: 0.61\nAccuracy: 0.74\n", ("accuracy", 0.74, "max")),
    Case("perplexity", "| end of epoch   1 | time:  5.1s | valid loss  5.01 | valid ppl   149.9 |\n", ("valid ppl", 149.9, "min")),
    Case("bits per byte", "---\nval_bpb:          0.997900\ntraining_seconds: 300.1\nnum_params_M: 50.3\n", ("val_bpb", 0.9979, "min")),
    Case("windows line ends", "Epoch 1\r\nval_acc: 0.5\r\nval_acc: 0.75\r\n", ("val_acc", 0.75, "max")),
    Case("overwritten", "epoch 1 val_acc 0.1\repoch 2 val_acc 0.4\repoch 3 val_acc 0.6\n", ("val_acc", 0.6, "max")),
    Case("dotted", "Accuracy ............ 0.87\nLoss ................ 0.4\n", ("accuracy", 0.87, "max")),
    Case("unknown name", "Training done\nvalidation skill: 0.371\n", ("validation skill", 0.371, "max")),
    Case("error rate", "Error rate: 7.25%\n", ("error rate", 7.25, "min")),
    Case("yolo", YOLO, ("all mAP50", 0.605, "max")),
    Case("value below its name", "Accuracy:\n0.9333\n", ("accuracy", 0.9333, "max")),
    Case("number without a name", "Shape: (3, 4)\n[[50 0]\n [1 49]]\n0.98\n", ("printed number", 0.98, "max")),
    Case("weights and biases", "wandb: Run history:\nwandb:    val_acc ▁▅█\nwandb: Run summary:\nwandb:    epoch 3\nwandb:    val_acc 0.92\n",
         ("val_acc", 0.92, "max")),
    Case("average meters", "Test: [  0/100]\tTime  0.100 ( 0.200)\tLoss 3.1e-01 (3.3e-01)\tAcc@1  90.00 ( 91.00)\n * Acc@1 91.000 Acc@5 99.100\n",
         ("acc@1", 91.0, "max")),
    Case("transfer learning", "train Loss: 0.31 Acc: 0.81\nval Loss: 0.25 Acc: 0.92\n\nTraining complete in 1m 3s\nBest val Acc: 0.934641\n",
         ("best val acc", 0.934641, "max")),
    Case("correct of all", "Correct: 431/450 (95.78%)\n", ("correct rate", 431 / 450, "max")),
    Case("correct in percent", "95.78% correct\n", ("correct rate", 95.78, "max")),
    Case("top 1 and top 5", "Top-1 accuracy: 76.1\nTop-5 accuracy: 92.8\n", ("top-1 accuracy", 76.1, "max")),
    Case("lower is better of two models", "Linear Regression: RMSE = 3.2\nRandom Forest: RMSE = 2.8\n", ("random forest rmse", 2.8, "min")),
    Case("time before the score", "done in 0.2s, best_acc: 66.406\n", ("best_acc", 66.406, "max")),
    Case("best model saved", "2025-07-07 13:55:26.649 INFO: Epoch [001/300] - Train Loss: 14.1, Valid Loss: 7.6, LR: [0.001]\nINFO:   [SAVE] Best model at epoch 1.\n"
         "2025-07-07 13:56:26.649 INFO: Epoch [002/300] - Train Loss: 12.1, Valid Loss: 7.9, LR: [0.001]\n", ("valid loss", 7.6, "min")),
    Case("sentence with a score", "The accuracy is 93.20 %\n", ("the accuracy", 93.2, "max")),
    Case("reinforcement learning", "Episode 100\tAverage Score: 13.20\n", ("average score", 13.2, "max")),
    Case("clusters", "n_clusters: 3\nSilhouette Score: 0.55\nDavies-Bouldin Index: 0.66\n", ("silhouette score", 0.55, "max")),
    Case("warning", "/usr/lib/x.py:12: UserWarning: The score 0.5 is bad\n  warnings.warn(\nacc 0.81\n", ("acc", 0.81, "max")),
    Case("nothing", "hello\nloaded 3 files in 2.5 s\nseed: 42\nlr: 0.1\nversion 1.2.3\n2024-01-01\n", None),
    Case("settings only", "max_depth: 5\nn_estimators=100\nloss: hinge\ntest_size: 0.2\nlearning_rate: 0.1\n", None),
    Case("not a number", "epoch 1 val_acc nan\n", None),
    Case("json file", "done\n", ("val accuracy", 0.9312, "max"),
         {"out/metrics.json": b'{"train": {"accuracy": 0.99}, "val": {"accuracy": 0.9312}, "seconds": 3.2, "seed": 1}'}),
    Case("json has all digits", "test accuracy: 0.931\n", ("accuracy", 0.93124, "max"),
         {"metrics.json": b'{"accuracy": 0.93124, "n": 10}'}),
    Case("csv of epochs", "", ("val_acc", 0.84, "max"),
         {"logs/metrics.csv": b"epoch,loss,val_acc\n0,0.9,0.5\n1,0.7,0.8\n2,0.6,0.84\n"}),
    Case("csv of lightning", "", ("val_acc", 0.81, "max"),
         {"lightning_logs/version_0/metrics.csv": b"epoch,step,train_loss,val_acc\n0,9,0.9,\n0,9,,0.7\n1,19,0.8,\n1,19,,0.81\n"}),
    Case("csv of names", "", ("f1", 0.71, "max"), {"results.csv": b"metric,value\nf1,0.71\nrecall,0.8\n"}),
    Case("csv of models", "", ("accuracy", 0.95, "max"), {"results.csv": b"model,accuracy\nLR,0.91\nRF,0.95\nSVM,0.93\n"}),
    Case("predictions", "rmse 2.5\n", ("rmse", 2.5, "min"), {"submission.csv": b"id,prediction\n1,0.5\n2,0.7\n"}),
    Case("history", "", ("val_accuracy", 0.9, "max"),
         {"history.json": b'{"accuracy": [0.5, 0.8], "val_accuracy": [0.6, 0.9], "lr": [0.1, 0.1]}'}),
    Case("json lines", "", ("val_f1", 0.75, "max"), {"log.jsonl": b'{"step": 1, "val_f1": 0.5}\n{"step": 2, "val_f1": 0.75}\n'}),
    Case("text file", "done\n", ("test accuracy", 0.77, "max"), {"results.txt": b"Test accuracy: 0.77\n"}),
    Case("lone number", "done\n", ("score", 0.77, "max"), {"score.txt": b"0.77\n"}),
    Case("yaml file", "done\n", ("rmse", 0.25, "min"), {"metrics.yaml": b"rmse: 0.25\nseed: 3\n"}),
]  # fmt: skip
