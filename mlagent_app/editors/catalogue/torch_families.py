"""The families for PyTorch, Lightning and the Hugging Face trainer, in the order in which they claim values."""

from __future__ import annotations

from mlagent_app.editors.catalogue.hf_trainer import training_arguments
from mlagent_app.editors.catalogue.lightning import lightning_arguments, lightning_schedule
from mlagent_app.editors.catalogue.offers import FamilyFunction
from mlagent_app.editors.catalogue.torch_activation import activations, transformer_arguments
from mlagent_app.editors.catalogue.torch_average import average_epochs
from mlagent_app.editors.catalogue.torch_checkpoint import keep_best
from mlagent_app.editors.catalogue.torch_dropout import dropout_arguments, dropout_insertion
from mlagent_app.editors.catalogue.torch_inputs import standardisation
from mlagent_app.editors.catalogue.torch_loop import batch_size, epochs, gradient_clipping
from mlagent_app.editors.catalogue.torch_loss import losses
from mlagent_app.editors.catalogue.torch_norm import normalisation
from mlagent_app.editors.catalogue.torch_optimizer import optimiser_arguments, optimiser_replacement
from mlagent_app.editors.catalogue.torch_schedule import schedule_arguments, schedule_insertion, schedule_replacement
from mlagent_app.editors.catalogue.torch_width import deeper, recurrent, widths

TORCH_FAMILIES: tuple[FamilyFunction, ...] = (
    training_arguments,
    lightning_arguments,
    lightning_schedule,
    optimiser_arguments,
    optimiser_replacement,
    schedule_arguments,
    schedule_insertion,
    schedule_replacement,
    epochs,
    batch_size,
    gradient_clipping,
    standardisation,
    keep_best,
    average_epochs,
    losses,
    dropout_arguments,
    dropout_insertion,
    transformer_arguments,
    activations,
    normalisation,
    widths,
    recurrent,
    deeper,
)
