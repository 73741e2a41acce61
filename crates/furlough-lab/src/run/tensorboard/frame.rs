//! The records of a TensorFlow event file ("TFRecord"), each: the length of its data (64 bits,
//! little-endian), the masked CRC-32C of these eight bytes, the data, the masked CRC-32C of the
//! data.

/// `data` as a record.
pub(super) fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()].concat()
}

/// A CRC that may itself stand in data whose CRC is taken.
fn masked_crc(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The data of a file's whole records, each with a right CRC, and how many bytes are left after the
/// last of them.
#[cfg(test)]
pub(super) fn records(mut file: &[u8]) -> (Vec<&[u8]>, usize) {
    fn split(file: &[u8]) -> Option<(&[u8], &[u8])> {
        let (head, rest) = file.split_at_checked(12)?;
        let length = u64::from_le_bytes(head[..8].try_into().ok()?);
        assert_eq!(masked_crc(&head[..8]).to_le_bytes(), head[8..]);
        let (data, rest) = rest.split_at_checked(length as usize)?;
        let (crc, rest) = rest.split_at_checked(4)?;
        assert_eq!(masked_crc(data).to_le_bytes(), crc);
        Some((data, rest))
    }
    let mut found = Vec::new();
    while let Some((data, rest)) = split(file) {
        found.push(data);
        file = rest;
    }
    (found, file.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3720, section B.4, and the check value of every list of CRCs.
    #[test]
    fn known_answers_of_the_crc() {
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c::crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c::crc32c(&ascending), 0x46DD_794E);
        assert_eq!(crc32c::crc32c(b"123456789"), 0xE306_9283);
    }

    /// The first twelve bytes of every event file that TensorFlow has written: 24, and its masked
    /// CRC.
    #[test]
    fn the_head_of_a_record_is_tensorflows() {
        let record = record(&[0; 24]);
        assert_eq!(record[..12], *b"\x18\0\0\0\0\0\0\0\xa3\x7fK\x22");
        assert_eq!(record.len(), 12 + 24 + 4);
        assert_eq!(records(&record), (vec![&[0; 24][..]], 0));
    }
}
