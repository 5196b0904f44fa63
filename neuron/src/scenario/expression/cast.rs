//! Who is meant by the labels of metrics.
use crate::scenario::event::{Action, Event};
use crate::scenario::group::{Behaviour, Duty, Group};
use crate::scenario::near;
use crate::scenario::selection::Selection;

/// Who there is, as labels of metrics name them.
pub(in crate::scenario) struct Cast<'a> {
    pub(super) groups: &'a [Group],
    /// Who has a behaviour of that name at some time.
    behaving: Vec<(String, Selection)>,
}

impl<'a> Cast<'a> {
    /// The neurons of these groups, who may behave otherwise later.
    pub(in crate::scenario) fn new(groups: &'a [Group], events: &[Event]) -> Self {
        let first = groups
            .iter()
            .enumerate()
            .map(|(number, group)| (group.conduct.behaviour.get_ref(), Selection::group(number, groups)));
        let later = events.iter().filter_map(|event| match &event.action {
            Action::Behave(who, conduct) => Some((conduct.behaviour.get_ref(), who.clone())),
            _ => None,
        });
        let mut behaving: Vec<(String, Selection)> = Vec::new();
        for (behaviour, who) in first.chain(later) {
            let name = Behaviour::name(behaviour);
            match behaving.iter_mut().find(|(known, _)| *known == name) {
                Some((_, all)) => *all = std::mem::take(all).and(who),
                None => behaving.push((name, who)),
            }
        }
        Self { groups, behaving }
    }

    pub(super) fn of_role(&self, role: &str) -> Result<Selection, String> {
        let duty = match role {
            "validator" => Duty::Validator,
            "miner" => Duty::Miner,
            _ => {
                return Err(format!(
                    "there is no role `{role}`{}",
                    near::instead(role, &["validator", "miner"])
                ));
            }
        };
        let of_duty = self.groups.iter().enumerate().filter(|(_, group)| group.duty == duty);
        Ok(of_duty
            .fold(Selection::default(), |all, (group, _)| all.and(Selection::group(group, self.groups))))
    }

    pub(super) fn of_behaviour(&self, behaviour: &str) -> Result<Selection, String> {
        let found = self.behaving.iter().find(|(name, _)| name == behaviour);
        found.map(|(_, who)| who.clone()).ok_or_else(|| {
            let known: Vec<_> = self.behaving.iter().map(|(name, _)| &**name).collect();
            format!("nobody behaves as `{behaviour}`{}", near::instead(behaviour, &known))
        })
    }
}
