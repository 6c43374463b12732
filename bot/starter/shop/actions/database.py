"""The shop's orders, products, stock and stores in SQLite. Replace this module by calls to your own systems.

The file lies beside this module, or where the environment variable SHOP_DB says; it is made on first use.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

PATH = Path(os.environ.get("SHOP_DB") or Path(__file__).parent / "shop.db")

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
  number TEXT PRIMARY KEY, product TEXT NOT NULL, ordered TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('processing', 'shipped', 'delivered', 'cancelled')), eta TEXT, carrier TEXT
);
CREATE TABLE IF NOT EXISTS returns (order_number TEXT PRIMARY KEY REFERENCES orders, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stores (city TEXT PRIMARY KEY, address TEXT NOT NULL, hours TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS products (
  name TEXT PRIMARY KEY, price INTEGER NOT NULL, material TEXT NOT NULL, size TEXT NOT NULL, colours TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS stock (product TEXT, city TEXT REFERENCES stores, quantity INTEGER NOT NULL,
  PRIMARY KEY (product, city));
"""
ORDERS = [
    ("MP-10007", "rug", "12 April", "cancelled", None, None),
    ("MP-10234", "floor lamp", "2 May", "shipped", "Thursday", "ParcelFox"),
    ("MP-20871", "bookshelf", "28 April", "delivered", "last Friday", "ParcelFox"),
    ("MP-33310", "sofa", "30 April", "processing", "in two weeks", "our own van"),
    ("MP-48120", "oak table", "20 April", "delivered", "last Monday", "our own van"),
    ("MP-55501", "mirror", "4 May", "processing", "next Tuesday", "ParcelFox"),
]
STORES = [
    ("London", "14 Tanner Street, SE1", "Monday to Saturday 10:00 to 19:00, Sunday 12:00 to 17:00"),
    ("Leeds", "3 Granary Wharf, LS1", "Monday to Saturday 10:00 to 18:00, closed on Sunday"),
    ("Bristol", "27 Harbour Road, BS1", "Tuesday to Saturday 10:00 to 18:00"),
    ("Manchester", "8 Cotton Lane, M4", "Monday to Saturday 9:30 to 18:30, Sunday 11:00 to 16:00"),
]
PRODUCTS = [
    ("pendant lamp", 89, "spun aluminium", "40 cm wide", "white, black and moss green"),
    ("floor lamp", 129, "ash wood and linen", "150 cm high", "natural and black"),
    ("office chair", 199, "steel and recycled wool", "62 cm wide, 84 to 96 cm high", "grey and blue"),
    ("armchair", 449, "beech wood and wool", "74 cm wide", "sand, rust and forest green"),
    ("coffee table", 229, "oiled walnut", "110 x 60 cm", "walnut"),
    ("desk", 349, "oiled oak and steel", "140 x 70 cm", "oak with white or black legs"),
    ("oak table", 899, "oiled solid oak", "180 x 90 cm", "natural oak"),
    ("sofa", 1299, "beech wood, and covers of cotton and linen", "212 cm wide", "sand, slate and rust"),
    ("bookshelf", 259, "solid pine", "80 x 200 cm", "natural and white"),
    ("wardrobe", 749, "solid oak", "150 x 210 cm", "natural oak"),
    ("mirror", 119, "glass and ash wood", "60 x 120 cm", "natural and black"),
    ("rug", 179, "wool", "170 x 240 cm", "cream, rust and blue"),
]
STOCK = [
    ("floor lamp", "London", 7), ("floor lamp", "Leeds", 2), ("pendant lamp", "London", 11), ("bookshelf", "London", 3),
    ("bookshelf", "Manchester", 1), ("desk", "Manchester", 4), ("desk", "Bristol", 2), ("sofa", "London", 1),
    ("armchair", "Bristol", 5), ("rug", "Leeds", 9), ("mirror", "Leeds", 3), ("oak table", "London", 2),
    ("coffee table", "Manchester", 6), ("office chair", "London", 8), ("office chair", "Leeds", 4),
]  # fmt: skip


def _connect() -> sqlite3.Connection:
    connection = sqlite3.connect(PATH, timeout=5)
    connection.row_factory = sqlite3.Row
    connection.executescript(SCHEMA)
    with connection:
        connection.executemany("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?)", ORDERS)
        connection.executemany("INSERT OR IGNORE INTO stores VALUES (?, ?, ?)", STORES)
        connection.executemany("INSERT OR IGNORE INTO products VALUES (?, ?, ?, ?, ?)", PRODUCTS)
        connection.executemany("INSERT OR IGNORE INTO stock VALUES (?, ?, ?)", STOCK)
    return connection


def query(sql: str, *values: Any) -> list[dict[str, Any]]:
    """The rows of a SELECT as dictionaries."""
    with closing(_connect()) as connection:
        return [dict(row) for row in connection.execute(sql, values)]


def execute(sql: str, *values: Any) -> int:
    """Run one change in a transaction; returns how many rows it touched."""
    with closing(_connect()) as connection, connection:
        return connection.execute(sql, values).rowcount


def order(number: str | None) -> dict[str, Any] | None:
    """An order by its number."""
    rows = query("SELECT * FROM orders WHERE number = ?", number)
    return rows[0] if rows else None
