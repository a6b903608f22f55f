"""The best score so far of a loop may be shown; it may not be what is reported, nor what anything is decided by."""

from __future__ import annotations

import pytest

from mlagent_app.agent.metrics import MetricSpec
from mlagent_app.editors.honesty import flags
from tests.editors.judging import kinds
from tests.editors.test_cheats_loops import EPOCH, EPOCHS, FULL, MEASURE, STEP

KEPT = EPOCH + "        if acc > best:\n            best = acc\n"
SHOWN = KEPT + '        print(f"best so far {best:.4f}")\n'
FINAL = '    acc = evaluate(model, test_loader)\n    print(f"accuracy: {acc:.4f}")\n'


@pytest.mark.parametrize(
    "new",
    [
        SHOWN,
        KEPT + '        logger.info("best %.4f", best)\n',
        KEPT + '        writer.add_scalar("best", best, epoch)\n',
        KEPT.replace("best = acc", "best, at = acc, epoch") + "        print(epoch, best, at)\n",
        KEPT.replace("best = acc", "best = max(acc, best)\n            print('better', best)"),
        KEPT.replace("acc > best", "epoch == 0 or acc > best") + "        wandb.log({'best': best})\n",
        EPOCH + "        best = max(best, acc)\n        print(best)\n",
        SHOWN.replace("            best = acc\n", "            best = acc\n            print('a new record')\n"),
    ],
)
def test_a_record_that_is_only_shown_is_not_flagged(new: str) -> None:
    assert kinds(EPOCHS, EPOCHS.replace(EPOCH, new)) == []


@pytest.mark.parametrize("shown", ["    print(best_loss)\n", "print('best loss', best_loss)\n"])
def test_a_record_of_a_loop_that_is_not_in_a_function_is_not_either(shown: str) -> None:
    record = STEP + MEASURE + "    if test_loss < best_loss:\n        best_loss = test_loss\n"
    assert kinds(FULL, FULL.replace(STEP, record + shown)) == []


@pytest.mark.parametrize(
    ("new", "final"),
    [
        (SHOWN, FINAL.replace("{acc", "{best")),
        (SHOWN, FINAL.replace("evaluate(model, test_loader)", "best")),
        (SHOWN, FINAL.replace("    print", "    acc = max(acc, best)\n    print")),
        (SHOWN, FINAL.replace("    print", "    final = best\n    print").replace("{acc", "{final")),
        (SHOWN, FINAL + "    return best\n"),
        (SHOWN, FINAL + "    torch.save({'best': best}, 'best.pt')\n"),
        (SHOWN, FINAL + "    json.dump({'best': best}, open('metrics.json', 'w'))\n"),
        (SHOWN + "        if best > 0.97:\n            break\n", FINAL),
        (SHOWN + "        while best < acc:\n            train_one_epoch(model, train_loader)\n", FINAL),
        (SHOWN + "        if acc == best:\n            torch.save(model.state_dict(), 'best.pt')\n", FINAL),
        (SHOWN.replace("= acc\n", "= acc\n            state = copy.deepcopy(model)\n"), FINAL),
        (SHOWN.replace("= acc\n", "= acc\n            torch.save(model, 'm.pt')\n"), FINAL),
        (SHOWN.replace("best = acc", "best, at = acc, epoch") + "        if epoch - at > 3:\n            break\n", FINAL),
        (SHOWN.replace("best = acc", "best, at = acc, epoch") + "        for _ in range(at):\n            step()\n", FINAL),
        (SHOWN.replace("= acc\n", "= acc\n            continue\n") + "        train_one_epoch(model, train_loader)\n", FINAL),
    ],
)
def test_a_record_that_anything_comes_of_is_flagged(new: str, final: str) -> None:
    assert set(kinds(EPOCHS, EPOCHS.replace(FINAL, final).replace(EPOCH, new))) & {"leak", "metric"}


def test_a_record_that_comes_to_decide_is_news() -> None:
    shown = EPOCHS.replace(EPOCH, SHOWN.replace("best = acc", "best, at = acc, epoch") + "        print(at)\n")
    assert "leak" in kinds(shown, shown.replace(FINAL, FINAL + "    retrain(at)\n"))
    assert "leak" in kinds(shown, shown.replace("        print(at)\n", "        print(at)\n        scheduler.step(best)\n"))
    assert "metric" in kinds(shown, shown.replace('{acc:.4f}")\n\n\nmain', '{best:.4f}")\n\n\nmain'))


def test_a_record_that_is_no_longer_shown_is_no_news() -> None:
    before = EPOCHS.replace(EPOCH, SHOWN)
    assert kinds(before, EPOCHS.replace(EPOCH, KEPT)) == []
    assert kinds(before, EPOCHS.replace(EPOCH, KEPT + "        progress.set_description(str(best))\n")) == []
    assert "leak" in kinds(before, EPOCHS.replace(EPOCH, KEPT + "        keep(best)\n"))


def test_a_record_that_may_be_what_a_pattern_finds_is_flagged() -> None:
    before, after = {"train.py": EPOCHS}, {"train.py": EPOCHS.replace(EPOCH, SHOWN)}
    assert flags("", before, after, MetricSpec("accuracy", "max")) == ()
    assert flags("", before, after, MetricSpec("accuracy", "max", pattern=r"best so far (.*)")) != ()
    assert flags("", before, after, MetricSpec("perplexity", "min")) != ()
