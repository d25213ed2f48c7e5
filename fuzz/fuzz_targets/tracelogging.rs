//! An event that brings its schema along: two bytes tell how long the schema is, the payload follows.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [low, high, data @ ..] = bytes else { return };
    let (schema, payload) = data.split_at(usize::from(u16::from_le_bytes([*low, *high])).min(data.len()).min(4000));
    let payload = &payload[..payload.len().min(3000)];
    let mut schema = schema.to_vec();
    // Its length stands first.
    let length = schema.len() as u16;
    if let Some(place) = schema.get_mut(..2) {
        place.copy_from_slice(&length.to_le_bytes());
    }
    let mut record = vec![0; 0x50];
    record[2..4].copy_from_slice(&[0x13, 0xC0]);
    record[4] = 1;
    record[0x18..0x28].copy_from_slice(&[7; 16]);
    let item = (8 + schema.len()).next_multiple_of(8);
    record.extend((item as u16).to_le_bytes());
    record.extend(11u16.to_le_bytes());
    record.extend(0u16.to_le_bytes());
    record.extend(length.to_le_bytes());
    record.extend(&schema);
    record.resize(0x50 + item, 0);
    record.extend(payload);
    let size = record.len() as u16;
    record[..2].copy_from_slice(&size.to_le_bytes());
    let end = record.len().next_multiple_of(8);
    record.resize(end, 0);
    whyrdp_fuzz::read(&whyrdp_fuzz::trace(1, &[(record, end)]), "etl");
});
