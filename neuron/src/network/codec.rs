//! Requests and answers on the wire: four bytes of length, little endian, then the bytes.
use std::io;
use std::sync::Arc;

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::{StreamProtocol, request_response};

use super::{Counter, Counters};

/// The largest request, in bytes: a question with its image, a signed transaction, a range of settlements.
pub const REQUEST_LIMIT: usize = 64 * 1024;
/// The largest answer, in bytes: two settlements with full bodies; larger things travel as blobs.
pub const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// Reads no more than the limits, and allocates only for bytes that have arrived. It counts malformed requests
/// itself, because libp2p reports them to nobody.
#[derive(Debug, Clone)]
pub(super) struct Codec(pub(super) Arc<Counters>);

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, REQUEST_LIMIT).await.inspect_err(|_| self.0.add(Counter::RequestMalformed))
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io, ANSWER_LIMIT).await
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &bytes).await
    }

    async fn write_response<T>(&mut self, _: &StreamProtocol, io: &mut T, bytes: Vec<u8>) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        write(io, &bytes).await
    }
}

async fn read(io: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{length} bytes exceed {limit}")));
    }
    let mut bytes = Vec::new();
    io.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

async fn write(io: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
    io.write_all(&length.to_le_bytes()).await?;
    io.write_all(bytes).await?;
    io.flush().await
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use futures::io::Cursor;

    use super::*;

    fn check(wire: &[u8], expected: Result<&[u8], io::ErrorKind>) {
        let read = block_on(read(&mut Cursor::new(wire), 8)).map_err(|error| error.kind());
        assert_eq!(read.as_deref().map_err(|kind| *kind), expected, "{wire:?}");
    }

    #[test]
    fn what_was_written_is_read() {
        let mut wire = Vec::new();
        block_on(write(&mut wire, b"neuron")).unwrap();
        check(&wire, Ok(b"neuron"));
        check(&[0, 0, 0, 0], Ok(b""));
    }

    #[test]
    fn oversized_and_cut_off_bytes_are_errors() {
        check(&[9, 0, 0, 0, 1, 2, 3], Err(io::ErrorKind::InvalidData));
        check(&[255, 255, 255, 255], Err(io::ErrorKind::InvalidData));
        check(&[8, 0, 0, 0, 1, 2, 3], Err(io::ErrorKind::UnexpectedEof));
        check(&[8, 0], Err(io::ErrorKind::UnexpectedEof));
    }
}
