//! Tables for people: amounts in coins, shares in per cent.
use crate::figure;
use comfy_table::{CellAlignment, Table, presets};

/// The columns of a table: a heading, and whether its cells are numbers.
pub(super) type Columns<'a> = &'a [(&'a str, bool)];

/// A table without rules, numbers to the right.
pub(super) fn table(columns: Columns<'_>, rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(columns.iter().map(|(heading, _)| *heading));
    for row in rows {
        table.add_row(row);
    }
    for (column, (_, number)) in table.column_iter_mut().zip(columns) {
        column.set_padding((0, 2));
        if *number {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// An amount as coins, to four digits.
pub(super) fn coins(amount: u64) -> String {
    format!("{:.4}", figure::coins(protocol::Amount(amount)))
}

/// An amount as whole coins.
pub(super) fn whole_coins(amount: u64) -> String {
    format!("{}", amount / protocol::amount::COIN)
}

/// A share as per cent; nothing for nothing.
pub(super) fn percent(share: f64) -> String {
    if share == 0.0 { String::new() } else { format!("{:.1} %", 100.0 * share) }
}

/// A measure from 0 to 1, if it is known.
pub(super) fn measure(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.3}"))
}

/// A number, or nothing.
pub(super) fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
