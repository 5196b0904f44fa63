//! The miner's side of digits: the data it learns from, and questions as images.
use crypto::{Hotkey, hash};

use super::BATCH;
use super::data::{BRIGHTEST, Digit, LABELS, PIXELS, miners};
use crate::task::Error;

/// What one miner trains on.
pub(crate) struct Shard(Vec<Digit>);

impl Shard {
    /// What falls to `hotkey` of the miners' part: so many of the ten digits (at least one), and of their images
    /// this share (0 to 1, but at least one image).
    pub(crate) fn of(hotkey: &Hotkey, labels: usize, share: f64) -> Self {
        let mut known: Vec<u8> = (0..LABELS).collect();
        known.sort_by_cached_key(|label| hash("neuron v1 digits known", &[&hotkey.0, &[*label]]));
        known.truncate(labels.max(1));
        let mut part = miners().to_vec();
        part.retain(|digit| known.contains(&digit.label));
        part.sort_by_cached_key(|digit| hash("neuron v1 digits shard", &[&hotkey.0, &digit.pixels]));
        part.truncate(((share * part.len() as f64) as usize).max(1));
        Self(part)
    }

    /// The images, in the hotkey's order.
    pub(crate) fn digits(&self) -> &[Digit] {
        &self.0
    }
}

/// The images of a question, at most a batch of them, or what is wrong with it.
pub(crate) fn images(question: &[u8]) -> Result<&[[u8; PIXELS]], Error> {
    let (images, rest) = question.as_chunks::<PIXELS>();
    if images.is_empty() || images.len() > BATCH || !rest.is_empty() {
        return Err(Error::BadQuestion(format!(
            "{} bytes, not 1 to {BATCH} images of {PIXELS}",
            question.len()
        )));
    }
    match question.iter().find(|&&pixel| pixel > BRIGHTEST) {
        Some(pixel) => Err(Error::BadQuestion(format!("a pixel of {pixel}, above {BRIGHTEST}"))),
        None => Ok(images),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_hotkey_has_its_own_shard() {
        let [a, again, b] = [1, 1, 2].map(|key| Shard::of(&Hotkey([key; 32]), 10, 0.6));
        assert_eq!(a.digits().len(), 646);
        assert_eq!(a.digits(), again.digits());
        assert_ne!(a.digits(), b.digits());
        assert_eq!(Shard::of(&Hotkey([1; 32]), 0, 0.0).digits().len(), 1);
    }

    #[test]
    fn a_shard_holds_as_many_of_the_digits_as_it_is_given() {
        for labels in 1..=10 {
            let shard = Shard::of(&Hotkey([3; 32]), labels, 0.5);
            let known: HashSet<u8> = shard.digits().iter().map(|digit| digit.label).collect();
            assert_eq!(known.len(), labels);
        }
    }

    #[test]
    fn a_malformed_question_is_named() {
        for (question, fault) in [
            (vec![], "0 bytes, not 1 to 32 images of 64"),
            (vec![0; 65], "65 bytes, not 1 to 32 images of 64"),
            (vec![0; 33 * 64], "2112 bytes, not 1 to 32 images of 64"),
            (vec![17; 64], "a pixel of 17, above 16"),
        ] {
            assert_eq!(images(&question), Err(Error::BadQuestion(fault.into())));
        }
    }
}
