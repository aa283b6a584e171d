"""The question bank: a file of questions, found by id and by skill."""

from bonsai_recs.bank.bank import Bank, load_bank
from bonsai_recs.bank.files import BankError, BankItem, read_bank, write_bank

__all__ = ["Bank", "BankError", "BankItem", "load_bank", "read_bank", "write_bank"]
