//! The search for a snapshot: whom to ask for what, and what to think of what comes.
use crypto::Hotkey;
use protocol::codec;
use protocol::head::Head;
use protocol::light::{Checkpoint, Doubt, Inquiry, LightClient, Skip};
use protocol::settlement::Certified;
use protocol::snapshot::{Anchor, Assembly, Chunk};
use serde_bytes::ByteBuf;

use crate::neuron::gate::{RESPONSE_LIMIT, Request, Response};
use crate::neuron::{Config, Error};

/// Peers that sent nothing of use; with more, one is forgotten and may be asked again.
const USELESS: usize = 256;

/// The furthest that a snapshot may lie before a checkpoint, in heights: that it leads there takes all settlements between.
pub(super) const LONGEST_LINK: u64 = 8_192;

/// How long a peer may take to show that, in milliseconds.
pub(super) const LINK_MS: u64 = 120_000;

/// A snapshot that a peer sent, proven.
pub(super) struct Taken {
    pub(super) height: u64,
    /// The anchor and the chunks.
    pub(super) parts: Vec<Vec<u8>>,
}

/// What a peer's answer was.
pub(super) enum Answer {
    /// It brought us on.
    Useful,
    /// It has another snapshot, if any.
    Other,
    /// It may answer later.
    Busy,
    /// It had nothing for us.
    Useless,
    /// No honest peer sends it.
    Lie(String),
}

/// The search, as far as it has come.
pub(super) struct Search {
    /// What is believed.
    client: LightClient,
    /// What a person vouches for, until its header is needed and found.
    checkpoint: Option<Checkpoint>,
    /// The height we are at.
    tip: u64,
    stage: Stage,
    /// Somebody has the settlement that we lack.
    may_follow: bool,
    /// Not asked again.
    useless: Vec<Hotkey>,
    /// Who is asked, once one has offered something.
    pub(super) sender: Option<Hotkey>,
}

/// What is looked for.
enum Stage {
    /// A snapshot.
    Offer,
    /// The header that a person vouches for, which comes before one.
    Vouched(Offer, Checkpoint),
    /// A header on the way to one that is too far from what is believed.
    Nearer(Offer, u64),
    /// The settlements that lead from one to what is believed, after the one of this name; until a time.
    Link(Offer, Checkpoint, u64),
    /// The chunks of one that is believed.
    Chunks(Assembly, Vec<Vec<u8>>),
    /// Nothing more.
    Over(Taken),
}

/// A snapshot's anchor and its encoding.
#[derive(Clone)]
struct Offer(Anchor, Vec<u8>);

impl Search {
    /// From `head`, where we are, or from a checkpoint that it has not reached.
    pub(super) fn new(config: &Config, head: &Head, checkpoint: Option<Checkpoint>) -> Result<Self, Error> {
        let mut client = LightClient::new(&config.genesis)?;
        if let Some(tip) = &head.tip {
            let header = &tip.settlement.header;
            let own = Checkpoint { height: header.height, hash: header.hash() };
            client.trust(header, head.ledger.validators().clone(), own).expect("our own tip was certified");
        }
        let (tip, stage) = (head.ledger.height(), Stage::Offer);
        Ok(Self { client, checkpoint, tip, stage, may_follow: false, useless: Vec::new(), sender: None })
    }

    /// What to ask next.
    pub(super) fn request(&self) -> Request {
        let header = |height| Request::Inquiry(Inquiry { height: Some(height), ..Inquiry::default() });
        match &self.stage {
            Stage::Vouched(_, checkpoint) => header(checkpoint.height),
            Stage::Nearer(_, height) => header(*height),
            Stage::Link(_, last, _) => Request::Settlements(last.height + 1),
            Stage::Chunks(assembly, parts) => Request::Chunk(assembly.height(), parts.len() as u64 - 1),
            Stage::Offer | Stage::Over(_) => Request::Snapshot,
        }
    }

    /// Who is not asked again.
    pub(super) fn useless(&self) -> Vec<Hotkey> {
        self.useless.clone()
    }

    /// Whether there is nothing more to ask.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Whether what we lack can be had without a snapshot, as far as peers say.
    pub(super) fn may_follow(&self) -> bool {
        self.may_follow
    }

    /// The snapshot, if one was found.
    pub(super) fn taken(self) -> Option<Taken> {
        match self.stage {
            Stage::Over(taken) => Some(taken),
            _ => None,
        }
    }

    /// Asks others from now on; chunks that came so far stay.
    pub(super) fn pass_over(&mut self, peer: Hotkey) {
        self.sender = None;
        if !matches!(self.stage, Stage::Chunks(..)) {
            self.stage = Stage::Offer;
        }
        if self.useless.len() >= USELESS {
            self.useless.remove(0);
        }
        self.useless.push(peer);
    }

    /// What a peer's response is, and goes on from there.
    pub(super) fn hear(&mut self, peer: Hotkey, response: &[u8], now: u64) -> Answer {
        let response = match codec::decode("response", response, RESPONSE_LIMIT) {
            Ok(response) => response,
            Err(error) => return Answer::Lie(error.to_string()),
        };
        let answer = match (std::mem::replace(&mut self.stage, Stage::Offer), response) {
            (stage, Response::Busy) => {
                self.stage = stage;
                Answer::Busy
            }
            (Stage::Chunks(..), Response::Declined) if self.sender != Some(peer) => Answer::Other,
            (_, Response::Declined) => Answer::Useless,
            (Stage::Vouched(offer, checkpoint), Response::Testimony(told)) => {
                self.vouched(offer, checkpoint, told.skip, now)
            }
            (Stage::Nearer(offer, height), Response::Testimony(told)) => {
                self.nearer(offer, height, told.skip, now)
            }
            (Stage::Offer, Response::Anchor { first, anchor }) => self.offered(first, &anchor, now),
            (Stage::Link(offer, last, until), Response::Settlements { batch, .. }) if now <= until => {
                self.linked(offer, (last, until), &batch)
            }
            (Stage::Link(..), _) => Answer::Useless,
            (Stage::Chunks(assembly, parts), Response::Chunk(chunk)) => self.brought(assembly, parts, &chunk),
            (stage, _) => {
                self.stage = stage;
                Answer::Lie("it answered something else".to_owned())
            }
        };
        if matches!(answer, Answer::Useful) {
            self.sender = Some(peer);
        }
        answer
    }

    /// A ledger that we have is left for a snapshot only if what follows it is not to be had.
    fn offered(&mut self, first: u64, bytes: &[u8], now: u64) -> Answer {
        if self.tip > 0 && first <= self.tip + 1 {
            self.may_follow = true;
            return Answer::Useless;
        }
        match Anchor::decode(bytes) {
            Ok(anchor) if anchor.height() <= self.tip => Answer::Useless,
            Ok(anchor) => match anchor.check_body() {
                Ok(()) => self.judge(Offer(anchor, bytes.to_vec()), now),
                Err(forged) => Answer::Lie(forged.to_string()),
            },
            Err(error) => Answer::Lie(error.to_string()),
        }
    }

    /// Whether what is believed vouches for an offer, or what has to be asked to know.
    fn judge(&mut self, offer: Offer, now: u64) -> Answer {
        let (height, believed) = (offer.0.height(), self.believed());
        if height <= believed.height {
            let first = Checkpoint { height, hash: offer.0.skip.header.hash() };
            return match self.client.check_earlier(&offer.0.skip) {
                Ok(()) if believed.height - height > LONGEST_LINK => Answer::Useless,
                Ok(()) => self.link(offer, first, now + LINK_MS),
                Err(doubt) => Answer::Lie(doubt.to_string()),
            };
        }
        if let Some(checkpoint) = self.checkpoint {
            self.stage = Stage::Vouched(offer, checkpoint);
            return Answer::Useful;
        }
        match self.client.clone().skip(offer.0.skip.clone(), now) {
            Ok(()) => self.begin(offer),
            Err(doubt) => self.doubt(offer, height, doubt),
        }
    }

    /// The latest header that is believed.
    fn believed(&self) -> Checkpoint {
        self.checkpoint.unwrap_or(self.client.checkpoint())
    }

    fn vouched(&mut self, offer: Offer, checkpoint: Checkpoint, skip: Option<Skip>, now: u64) -> Answer {
        let Some(skip) = skip else { return Answer::Useless };
        match self.client.trust(&skip.header, skip.next, checkpoint) {
            Ok(()) => {
                self.checkpoint = None;
                self.judge(offer, now)
            }
            Err(doubt) => self.doubt(offer, checkpoint.height, doubt),
        }
    }

    /// What a doubt says of the peer, or which header between may dispel it.
    fn doubt(&mut self, offer: Offer, far: u64, doubt: Doubt) -> Answer {
        use Doubt::{Expired, OtherCheckpoint, TooFar, Untimely};
        match (&doubt, self.client.between(far)) {
            (TooFar { .. }, Some(height)) => {
                self.stage = Stage::Nearer(offer, height);
                Answer::Useful
            }
            // The peer may not help it: our clock, or what a person told us, may as well be wrong.
            (TooFar { .. } | Expired { .. } | Untimely { .. } | OtherCheckpoint { .. }, _) => {
                tracing::warn!(height = offer.0.height(), %doubt, "a snapshot is not taken; are clock and checkpoint right?");
                Answer::Useless
            }
            _ => Answer::Lie(doubt.to_string()),
        }
    }

    fn nearer(&mut self, offer: Offer, height: u64, skip: Option<Skip>, now: u64) -> Answer {
        let Some(skip) = skip.filter(|skip| skip.header.height == height) else {
            return Answer::Useless;
        };
        match self.client.skip(skip, now) {
            Ok(()) => self.judge(offer, now),
            Err(doubt) => self.doubt(offer, height, doubt),
        }
    }

    fn linked(&mut self, offer: Offer, (mut last, until): (Checkpoint, u64), batch: &[ByteBuf]) -> Answer {
        if batch.is_empty() {
            return Answer::Useless;
        }
        for bytes in batch {
            if last.height >= self.believed().height {
                break;
            }
            let header = match Certified::decode(bytes) {
                Ok(certified) => certified.settlement.header,
                Err(error) => return Answer::Lie(error.to_string()),
            };
            if (header.height, header.parent) != (last.height + 1, last.hash) {
                return Answer::Lie(format!("settlement {} does not follow {last}", header.height));
            }
            last = Checkpoint { height: header.height, hash: header.hash() };
        }
        self.link(offer, last, until)
    }

    /// An offer of which `last` is the latest descendant that is known.
    fn link(&mut self, offer: Offer, last: Checkpoint, until: u64) -> Answer {
        let expected = self.believed();
        if last.height < expected.height {
            self.stage = Stage::Link(offer, last, until);
            return Answer::Useful;
        }
        match last == expected {
            true => self.begin(offer),
            false => self.doubt(offer, last.height, Doubt::OtherCheckpoint { found: last, expected }),
        }
    }

    fn begin(&mut self, Offer(anchor, bytes): Offer) -> Answer {
        tracing::info!(height = anchor.height(), "takes a snapshot");
        self.stage = Stage::Chunks(Assembly::new(anchor), vec![bytes]);
        Answer::Useful
    }

    fn brought(&mut self, mut assembly: Assembly, mut parts: Vec<Vec<u8>>, bytes: &[u8]) -> Answer {
        let added = Chunk::decode(bytes).map_err(|error| error.to_string());
        if let Err(fault) = added.and_then(|chunk| assembly.add(chunk).map_err(|flaw| flaw.to_string())) {
            self.stage = Stage::Chunks(assembly, parts);
            return Answer::Lie(fault);
        }
        parts.push(bytes.to_vec());
        self.stage = match assembly.wants() {
            Some(_) => Stage::Chunks(assembly, parts),
            None => Stage::Over(Taken { height: assembly.height(), parts }),
        };
        Answer::Useful
    }
}
