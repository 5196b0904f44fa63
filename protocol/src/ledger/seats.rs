//! Who settles, and who was there to sign.
use std::cmp::Reverse;

use crypto::Hotkey;

use super::entry::Attendance;
use super::{Ledger, Seats};
use crate::consensus::ValidatorSet;

/// The last height of who still has a seat.
const SEATED: u64 = u64::MAX;

impl Ledger {
    /// Counts, for all who could sign the parent's certificate, whether they did. There is none at height 1.
    pub(super) fn note_attendance(&mut self, signers: &[Hotkey]) {
        if self.height() == 0 {
            return;
        }
        let table = self.attendance.rows_mut();
        for (hotkey, _) in self.seats.only().last.members() {
            let attendance = table.entry(*hotkey).or_default();
            attendance.due += 1;
            attendance.signed += u64::from(signers.contains(hotkey));
        }
    }

    /// Whether no certificate that was settled has its signature.
    pub fn has_never_signed(&self, hotkey: &Hotkey) -> bool {
        self.attendance_of(hotkey).signed == 0
    }

    pub(super) fn attendance_of(&self, hotkey: &Hotkey) -> Attendance {
        self.attendance.get(hotkey).copied().unwrap_or_default()
    }

    /// Moves the seats on by one height, and every `set_period` heights chooses anew who settles; sooner, if somebody
    /// with a seat was jailed.
    ///
    /// A choice that would leave nobody keeps those who are there.
    pub(super) fn choose_seats(&mut self, height: u64) {
        let seats = self.seats.only();
        let jailed = seats.next.members().iter().any(|(hotkey, _)| self.jailed_since(hotkey).is_some());
        let chosen = match jailed || height.is_multiple_of(self.parameters().set_period) {
            true => self.most_staked(),
            false => None,
        };
        let next = chosen.unwrap_or_else(|| seats.next.clone());
        if next != seats.next || seats.last != seats.next {
            let last = seats.next.clone();
            *self.seats.only_mut() = Seats { last, next };
        }
        self.note_terms(height);
    }

    /// Notes who has a seat from `height + 1` on and who had one until `height`, for as long as evidence counts.
    pub(super) fn note_terms(&mut self, height: u64) {
        let next = self.seats.only().next.clone();
        let seated = |(_, hotkey): &(u64, Hotkey)| next.power(hotkey).is_some();
        let open = self.terms.rows().range((SEATED, Hotkey([0; 32]))..);
        let gone: Vec<_> = open.filter(|(key, _)| !seated(key)).map(|(key, from)| (key.1, *from)).collect();
        for (hotkey, from) in gone {
            self.terms.remove(&(SEATED, hotkey));
            self.terms.insert((height, hotkey), from);
        }
        for (hotkey, _) in next.members() {
            if self.terms.get(&(SEATED, *hotkey)).is_none() {
                self.terms.insert((SEATED, *hotkey), height + 1);
            }
        }
        let expiry = self.parameters().evidence_expiry;
        self.terms.retain(|(until, _)| until.saturating_add(expiry) > height);
    }

    /// Whether a hotkey was among those who settled a height that evidence may be about.
    pub(super) fn had_seat(&self, hotkey: &Hotkey, height: u64) -> bool {
        let terms = self.terms.rows().range((height, Hotkey([0; 32]))..);
        terms.filter(|((_, member), _)| member == hotkey).any(|(_, from)| *from <= height)
    }

    /// The willing with enough self-stake who are not jailed, most staked first, as many as may settle.
    pub(super) fn most_staked(&self) -> Option<ValidatorSet> {
        let rules = self.parameters();
        let mut willing: Vec<_> = self
            .delegates
            .rows()
            .iter()
            .filter(|(hotkey, d)| {
                d.settles
                    && self.jailed_since(hotkey).is_none()
                    && self.stake_between(hotkey, &d.owner) >= rules.minimum_self_stake
            })
            .map(|(hotkey, d)| (*hotkey, d.value.0))
            .collect();
        willing.sort_unstable_by_key(|(hotkey, stake)| (Reverse(*stake), *hotkey));
        willing.truncate(rules.settling_set.into());
        ValidatorSet::new(willing)
    }

    pub(super) fn set_willing(&mut self, hotkey: Hotkey, settles: bool) {
        if let Some(delegate) = self.delegates.get_mut(&hotkey) {
            delegate.settles = settles;
        }
    }
}

impl Attendance {
    /// What part of its dividends a validator keeps, as `(part, whole)`, for its attendance since `before`.
    ///
    /// A certificate need hold no more than two thirds of the stake, so who signs two thirds of them keeps all.
    /// Without a seat there was nothing to sign and nothing is lost: stakers do not pay for a full settling set.
    pub(super) fn kept_since(self, before: Self) -> (u64, u64) {
        let due = self.due.saturating_sub(before.due);
        let signed = self.signed.saturating_sub(before.signed);
        match due {
            0 => (1, 1),
            _ => ((3 * signed).min(2 * due), 2 * due),
        }
    }
}
