#!/usr/bin/env python
# Summaries with T5. Arguments by argparse, handed to Seq2SeqTrainingArguments.
import argparse

import numpy as np
from datasets import load_dataset
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq
from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, EarlyStoppingCallback

def parse():
    p = argparse.ArgumentParser()
    p.add_argument('--lr', type=float, default=3e-4)
    p.add_argument('--epochs', type=int, default=2)
    p.add_argument('--batch', type=int, default=8)
    p.add_argument('--model', default='t5-small')
    return p.parse_args()

def main():
    a = parse()
    tok = AutoTokenizer.from_pretrained(a.model)
    ds = load_dataset('csv', data_files={'train': 'train.csv', 'valid': 'valid.csv'})
    def prep(b):
        m = tok(['summarize: ' + t for t in b['text']], max_length=256, truncation=True)
        m['labels'] = tok(text_target=b['summary'], max_length=48, truncation=True)['input_ids']
        return m
    ds = ds.map(prep, batched=True, remove_columns=['text', 'summary'])
    model = AutoModelForSeq2SeqLM.from_pretrained(a.model)
    targs = Seq2SeqTrainingArguments(output_dir='./t5', learning_rate=a.lr, num_train_epochs=a.epochs,
                                     per_device_train_batch_size=a.batch, warmup_steps=0,
                                     eval_strategy='steps', eval_steps=200, save_strategy='steps', save_steps=200,
                                     load_best_model_at_end=True, metric_for_best_model='eval_loss',
                                     predict_with_generate=True, fp16=False)
    trainer = Seq2SeqTrainer(model=model, args=targs, train_dataset=ds['train'], eval_dataset=ds['valid'],
                             data_collator=DataCollatorForSeq2Seq(tok, model=model),
                             callbacks=[EarlyStoppingCallback(early_stopping_patience=2)])
    trainer.train()
    print('eval_loss: {:.4f}'.format(trainer.evaluate()['eval_loss']))

if __name__ == '__main__':
    main()
