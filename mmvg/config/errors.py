"""Error that lists what is wrong with a config."""


class ConfigError(ValueError):
    """Raised for a config with mistakes in it.

    Args:
        problems: One line for each, beginning with the dotted path.
        source: The config file.
        way_out: What to do, below the list.

    Example:
        >>> print(ConfigError(['model.head.chanels: no such key'], 'lavt/tiny.py'))
        lavt/tiny.py: 1 problem
          model.head.chanels: no such key
    """

    def __init__(self, problems: list[str], source: str, way_out: str | None = None) -> None:
        self.problems = problems
        count = '1 problem' if len(problems) == 1 else f'{len(problems)} problems'
        text = f'{source}: {count}\n' + '\n'.join(f'  {problem}' for problem in problems)
        super().__init__(text + (f'\n{way_out}' if way_out else ''))
