//! Whole numbers that are known but for how many rows there are and which one is at work.

use std::cmp::Ordering;

/// `fixed + rows · N + turn · i`, where N is the number of rows and i that of the row at work, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    pub fixed: i64,
    pub rows: i64,
    pub turn: i64,
}

impl Linear {
    pub const TURN: Linear = Linear { fixed: 0, rows: 0, turn: 1 };

    pub fn of(fixed: i64) -> Self {
        Linear { fixed, rows: 0, turn: 0 }
    }

    /// The number, where it is the same for any rows.
    pub fn number(self) -> Option<i64> {
        (self.rows == 0 && self.turn == 0).then_some(self.fixed)
    }

    pub fn plus(self, other: Linear) -> Option<Linear> {
        Some(Linear {
            fixed: self.fixed.checked_add(other.fixed)?,
            rows: self.rows.checked_add(other.rows)?,
            turn: self.turn.checked_add(other.turn)?,
        })
    }

    pub fn minus(self, other: Linear) -> Option<Linear> {
        self.plus(other.scaled(-1)?)
    }

    pub fn times(self, other: Linear) -> Option<Linear> {
        match (self.number(), other.number()) {
            (Some(by), _) => other.scaled(by),
            (None, by) => self.scaled(by?),
        }
    }

    pub fn scaled(self, by: i64) -> Option<Linear> {
        Some(Linear {
            fixed: self.fixed.checked_mul(by)?,
            rows: self.rows.checked_mul(by)?,
            turn: self.turn.checked_mul(by)?,
        })
    }

    /// Divided by a number, where that leaves nothing over whatever the rows.
    pub fn divided(self, by: i64) -> Option<Linear> {
        let exact = |number: i64| (number.checked_rem(by)? == 0).then(|| number.checked_div(by))?;
        Some(Linear { fixed: exact(self.fixed)?, rows: exact(self.rows)?, turn: exact(self.turn)? })
    }
}

/// The turns of a loop that takes each row once: of as many rows as the file says, or of any number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns(pub Option<i64>);

impl Turns {
    /// How many rows there are.
    pub fn count(self) -> Linear {
        match self.0 {
            Some(rows) => Linear::of(rows),
            None => Linear { fixed: 0, rows: 1, turn: 0 },
        }
    }

    /// How many of them come to each row, where they are as many for each.
    pub fn each(self, number: Linear) -> Option<i64> {
        match self.0 {
            Some(rows) => number.divided(rows)?.number(),
            None => (number.fixed == 0 && number.turn == 0).then_some(number.rows),
        }
    }

    /// What a number is in the last turn: that of the others is not known by it.
    pub fn at_last(self, number: Linear) -> Option<Linear> {
        match self.0 {
            Some(rows) => number.fixed.checked_add(number.turn.checked_mul(rows.checked_sub(1)?)?).map(Linear::of),
            // There is one row more than the turn's number.
            None => Some(Linear {
                fixed: number.fixed.checked_add(number.rows)?,
                rows: 0,
                turn: number.turn.checked_add(number.rows)?,
            }),
        }
    }

    /// Whether a number is 0 in the last turn, and in no other.
    pub fn tells_last(self, number: Linear) -> bool {
        let is_last = |number: Linear| number.turn != 0 && self.at_last(number) == Some(Linear::of(0));
        // With any number of rows, it has to go by what is left of them alone.
        is_last(number) && (self.0.is_some() || number.rows.checked_add(number.turn) == Some(0))
    }

    /// How a number compares with 0, where it does so in all turns and for any number of rows.
    pub fn sign(self, number: Linear) -> Option<Ordering> {
        if let Some(number) = number.number() {
            return Some(number.cmp(&0));
        }
        let (least, most) = match self.0 {
            Some(_) => {
                let ends = [number.fixed, self.at_last(number)?.number()?];
                (ends.into_iter().min(), ends.into_iter().max())
            }
            None => {
                let first = number.fixed.checked_add(number.rows)?;
                // As much more for each row before this one, and for each behind it.
                let (before, behind) = (number.rows.checked_add(number.turn)?, number.rows);
                let at_end = |ends: bool| ends.then_some(first);
                (at_end(before >= 0 && behind >= 0), at_end(before <= 0 && behind <= 0))
            }
        };
        match (least, most) {
            (Some(least), _) if least > 0 => Some(Ordering::Greater),
            (_, Some(most)) if most < 0 => Some(Ordering::Less),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value(number: Linear, rows: i64, turn: i64) -> i64 {
        number.fixed + number.rows * rows + number.turn * turn
    }

    proptest! {
        /// What is said of a number is so in every turn, for any number of rows.
        #[test]
        fn what_is_told_holds_in_every_turn(
            fixed in -9i64..9, of_rows in -3i64..4, of_turn in -3i64..4, written in prop::option::of(1i64..6),
        ) {
            let number = Linear { fixed, rows: if written.is_some() { 0 } else { of_rows }, turn: of_turn };
            let turns = Turns(written);
            let counts = written.map_or(1..9, |rows| rows..rows + 1);
            for rows in counts {
                for turn in 0..rows {
                    let found = value(number, rows, turn);
                    let last = turn == rows - 1;
                    if let Some(sign) = turns.sign(number) {
                        prop_assert_eq!(found.cmp(&0), sign);
                    }
                    if turns.tells_last(number) {
                        prop_assert_eq!(found == 0, last);
                    }
                    if last {
                        let at_last = turns.at_last(number).unwrap();
                        prop_assert_eq!(value(at_last, rows, turn), found);
                    }
                }
            }
        }
    }
}
