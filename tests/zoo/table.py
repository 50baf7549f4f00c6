def write_table():
    pass
