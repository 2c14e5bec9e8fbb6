"""What the job types without a model share: fields, numbers, dates and order. Holds no job type itself.

A function shows people only the words of an error that its own file defines, so whatever here can fail is handed the
class to raise.
"""
