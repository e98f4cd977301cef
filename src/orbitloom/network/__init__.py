"""The craft of delivery: routes over a contact plan, booked volume, and queues. No clock inside."""
