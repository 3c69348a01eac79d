//! Profiles sorted by address, on disk instead of in memory.
//!
//! Who shares an address is known only when the last profile is listed, so all of them are kept: in sorted runs
//! that are merged in the end. What is in memory does not grow with the pool but for one block a run.
//!
//! The file holds personal data. So it has no name unless the listing is to be resumed, and every block of it is
//! sealed with a key that is in memory, or in the state file that makes the listing resumable.

use anyhow::{Context, Result, anyhow};
use cognito_core::user_pool::ProfileRecord;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// How much is sorted at once. 400,000 profiles fill about fifteen of these.
const BUFFER: usize = 8 << 20;

/// How much of a run is read at once. A run costs this much memory while runs are merged.
const BLOCK: usize = 16 << 10;

/// The key that seals a spool.
pub(super) type Key = [u8; 32];

/// A sorted part of the file, from one offset to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Run {
    start: u64,
    end: u64,
}

impl Run {
    /// Where it ends in the file, in bytes.
    pub(super) fn end(self) -> u64 {
        self.end
    }
}

/// Collects profiles in any order and gives them back by address.
#[derive(Debug)]
pub(super) struct Spool {
    file: File,
    key: LessSafeKey,
    random: SystemRandom,
    runs: Vec<Run>,
    end: u64,
    buffer: Vec<u8>,
    /// Where each record of the buffer starts, how long its address is, and how long it is.
    index: Vec<(usize, usize, usize)>,
}

/// Draws a key.
pub(super) fn new_key() -> Result<Key> {
    let mut key = Key::default();
    SystemRandom::new().fill(&mut key).map_err(|_| anyhow!("the system gives no random numbers"))?;
    Ok(key)
}

impl Spool {
    /// An empty spool, or one that goes on behind the runs of an earlier one.
    pub(super) fn new(file: File, key: &Key, runs: Vec<Run>) -> Result<Self> {
        let end = runs.iter().map(|run| run.end).max().unwrap_or_default();
        // What an interrupted listing wrote behind them was never counted.
        file.set_len(end).context("the records' file cannot be shortened")?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| anyhow!("not a key"))?;
        let random = SystemRandom::new();
        Ok(Self { file, key: LessSafeKey::new(key), random, runs, end, buffer: Vec::new(), index: Vec::new() })
    }

    /// Adds a profile under its address.
    pub(super) fn add(&mut self, address: &str, record: &ProfileRecord) -> Result<()> {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(address.as_bytes());
        serde_json::to_writer(&mut self.buffer, record)?;
        self.index.push((start, address.len(), self.buffer.len() - start));
        if self.buffer.len() >= BUFFER { self.sort() } else { Ok(()) }
    }

    /// Writes what is in memory to the disk as one more run, and says which runs there are.
    pub(super) fn checkpoint(&mut self) -> Result<Vec<Run>> {
        self.sort()?;
        self.file.sync_data().context("the records are not on the disk")?;
        Ok(self.runs.clone())
    }

    fn sort(&mut self) -> Result<()> {
        if self.index.is_empty() {
            return Ok(());
        }
        let (mut index, buffer) = (std::mem::take(&mut self.index), std::mem::take(&mut self.buffer));
        index.sort_by_key(|(start, address, _)| &buffer[*start..start + address]);
        let run_start = self.end;
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut block = Vec::with_capacity(BLOCK + BLOCK / 2);
        for (start, address, length) in index {
            for part in [length, address] {
                block.extend_from_slice(&u32::try_from(part)?.to_le_bytes());
            }
            block.extend_from_slice(&buffer[start..start + length]);
            if block.len() >= BLOCK {
                self.write(&mut block)?;
            }
        }
        self.write(&mut block)?;
        self.runs.push(Run { start: run_start, end: self.end });
        // The allocation is used again.
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    fn write(&mut self, block: &mut Vec<u8>) -> Result<()> {
        if block.is_empty() {
            return Ok(());
        }
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).map_err(|_| anyhow!("the system gives no random numbers"))?;
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), block)
            .map_err(|_| anyhow!("a block cannot be sealed"))?;
        self.file.write_all(&u32::try_from(block.len())?.to_le_bytes())?;
        self.file.write_all(&nonce)?;
        self.file.write_all(block)?;
        self.end += u64::try_from(4 + NONCE_LEN + block.len())?;
        block.clear();
        Ok(())
    }

    /// Everything that was added, by address.
    pub(super) fn sorted(mut self) -> Result<Sorted> {
        self.sort()?;
        self.buffer = Vec::new();
        let mut sorted = Sorted { cursors: Vec::new(), next: BinaryHeap::new(), file: self.file, key: self.key };
        for (at, run) in self.runs.iter().enumerate() {
            sorted.cursors.push(Cursor { next: run.start, end: run.end, block: Vec::new(), at: 0 });
            sorted.advance(at)?;
        }
        Ok(sorted)
    }
}

/// A run that is being read.
#[derive(Debug)]
struct Cursor {
    next: u64,
    end: u64,
    block: Vec<u8>,
    at: usize,
}

/// Address, run, record: compared in this order.
type First = (Vec<u8>, usize, Vec<u8>);

/// The merged runs.
#[derive(Debug)]
pub(super) struct Sorted {
    cursors: Vec<Cursor>,
    /// The first record of each run.
    next: BinaryHeap<Reverse<First>>,
    file: File,
    key: LessSafeKey,
}

impl Sorted {
    /// The next record, those of one address one after the other.
    pub(super) fn next(&mut self) -> Result<Option<(String, ProfileRecord)>> {
        let Some(Reverse((address, run, record))) = self.next.pop() else { return Ok(None) };
        self.advance(run)?;
        Ok(Some((String::from_utf8(address)?, serde_json::from_slice(&record)?)))
    }

    fn advance(&mut self, run: usize) -> Result<()> {
        let cursor = &mut self.cursors[run];
        if cursor.at == cursor.block.len() {
            if cursor.next == cursor.end {
                cursor.block = Vec::new();
                return Ok(());
            }
            let sealed = read_block(&mut self.file, &mut cursor.next, &mut cursor.block)?;
            let opened = self.key.open_in_place(sealed, Aad::empty(), &mut cursor.block);
            let length = opened.map_err(|_| anyhow!("the records were changed or belong to another listing"))?.len();
            cursor.block.truncate(length);
            cursor.at = 0;
        }
        let length = number(&cursor.block, &mut cursor.at)?;
        let address = number(&cursor.block, &mut cursor.at)?;
        let record = cursor.block.get(cursor.at..cursor.at + length).context("a record is cut off")?;
        let (address, record) = record.split_at_checked(address).context("a record is cut off")?;
        self.next.push(Reverse((address.to_vec(), run, record.to_vec())));
        cursor.at += length;
        Ok(())
    }
}

fn read_block(file: &mut File, next: &mut u64, block: &mut Vec<u8>) -> Result<Nonce> {
    file.seek(SeekFrom::Start(*next))?;
    let (mut length, mut nonce) = ([0; 4], [0; NONCE_LEN]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut nonce)?;
    block.resize(usize::try_from(u32::from_le_bytes(length))?, 0);
    file.read_exact(block)?;
    *next += u64::try_from(4 + NONCE_LEN + block.len())?;
    Ok(Nonce::assume_unique_for_key(nonce))
}

fn number(block: &[u8], at: &mut usize) -> Result<usize> {
    let bytes = block.get(*at..*at + 4).and_then(|bytes| bytes.try_into().ok()).context("a record is cut off")?;
    *at += 4;
    Ok(usize::try_from(u32::from_le_bytes(bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn record(name: &str, email: &str) -> ProfileRecord {
        let attributes = BTreeMap::from([("email".to_owned(), email.to_owned())]);
        ProfileRecord {
            user_name: name.into(),
            status: "CONFIRMED".into(),
            enabled: true,
            created: Some(1),
            modified: None,
            attributes,
            mfa: cognito_core::user_pool::MfaSettings::default(),
        }
    }

    fn spool(file: File, key: &Key, runs: Vec<Run>) -> Spool {
        Spool::new(file, key, runs).unwrap()
    }

    fn drain(mut sorted: Sorted) -> Vec<(String, String)> {
        std::iter::from_fn(|| sorted.next().unwrap()).map(|(address, record)| (address, record.user_name)).collect()
    }

    proptest! {
        #[test]
        fn whatever_goes_in_comes_out_once_and_by_address(addresses in prop::collection::vec("[a-c@é]{0,3}", 0..60), every in 1_usize..20) {
            let mut spool = spool(tempfile::tempfile().unwrap(), &new_key().unwrap(), Vec::new());
            let mut expected = Vec::new();
            for (n, address) in addresses.iter().enumerate() {
                spool.add(address, &record(&n.to_string(), address)).unwrap();
                expected.push((address.clone(), n.to_string()));
                if n % every == 0 {
                    spool.checkpoint().unwrap();
                }
            }
            let found = drain(spool.sorted().unwrap());
            prop_assert!(found.is_sorted_by_key(|(address, _)| address.as_bytes()));
            let by_number = |(address, number): &(String, String)| (number.parse::<usize>().unwrap(), address.clone());
            let mut found: Vec<_> = found.iter().map(by_number).collect();
            found.sort();
            prop_assert_eq!(found, expected.iter().map(by_number).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_disk_holds_nothing_that_can_be_read() {
        let mut file = tempfile::tempfile().unwrap();
        let mut spool = spool(file.try_clone().unwrap(), &new_key().unwrap(), Vec::new());
        for n in 0..1000 {
            spool.add("ada@example.com", &record(&format!("name-{n}"), "Ada@example.com")).unwrap();
        }
        spool.checkpoint().unwrap();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).to_lowercase();
        assert!(bytes.len() > 50_000 && !text.contains("ada@") && !text.contains("name-"));
    }

    #[test]
    fn a_spool_goes_on_behind_its_last_checkpoint_and_forgets_what_came_after() {
        let file = tempfile::tempfile().unwrap();
        let key = new_key().unwrap();
        let mut first = spool(file.try_clone().unwrap(), &key, Vec::new());
        first.add("b", &record("kept", "b")).unwrap();
        let runs = first.checkpoint().unwrap();
        first.add("a", &record("lost", "a")).unwrap();
        first.checkpoint().unwrap();
        let mut second = spool(file, &key, runs);
        second.add("a", &record("listed again", "a")).unwrap();
        let expected = [("a", "listed again"), ("b", "kept")].map(|(a, n)| (a.to_owned(), n.to_owned()));
        assert_eq!(drain(second.sorted().unwrap()), expected);
    }

    #[test]
    fn another_key_opens_nothing() {
        let file = tempfile::tempfile().unwrap();
        let mut first = spool(file.try_clone().unwrap(), &new_key().unwrap(), Vec::new());
        first.add("a", &record("n", "a")).unwrap();
        let runs = first.checkpoint().unwrap();
        assert!(spool(file, &new_key().unwrap(), runs).sorted().is_err());
    }
}
