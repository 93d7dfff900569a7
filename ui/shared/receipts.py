"""The mark beside a published figure that opens its receipt."""

from cnn_core.receipts.check import receipts


def receipt(*keys: str) -> str:
    """Return the mark as Markdown: a small link to the receipt, in a tab of its own; one for each key.

    Example:
        >>> receipt("resnet50-top1-keras")
        ':small[[:material/receipt_long:](receipts?receipt=resnet50-top1-keras "Where this figure is from")]'

    Raises:
        KeyError: If there is no such receipt.
    """
    for key in keys:
        receipts()[key]
    return "".join(
        f':small[[:material/receipt_long:](receipts?receipt={key} "Where this figure is from")]' for key in keys
    )
