// Entry: the command line, whose use of memory is written down.
import './usage';
import '../../cli/index';
