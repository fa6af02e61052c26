"""How an answer looks on Discord: pure text work, and the one scheduler that decides when to send what."""
