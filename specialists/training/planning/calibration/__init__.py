"""What decides between plan, question and refusal: weights fitted on goals held out."""
