// All ways through the pattern are followed at once, the preferred ones first: one step per character and instruction.
#include "bake/regex.hpp"

#include "bake/functions/function.hpp"
#include "bake/regex_parser.hpp"
#include "base/error.hpp"

#include <algorithm>

namespace davit::baking {

namespace {

using Kind = RegexNode::Kind;
constexpr std::size_t most_instructions = 20'000;
constexpr std::size_t most_steps = 2'000'000'000;
constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

struct Instruction {
    enum class Op { one, fork, go, save, check, match };
    Op op = Op::match;
    CharacterSet set;                 // of one
    Kind condition = Kind::empty;     // of check
    std::size_t first = 0, other = 0; // where it goes on, the preferred way first; of save: the place
};
using Op = Instruction::Op;

class Compiler {
public:
    std::vector<Instruction> run(const RegexNode& root) {
        save(0);
        emit(root);
        save(1);
        add(Op::match);
        return std::move(out_);
    }

private:
    std::size_t add(Op op) {
        if (out_.size() == most_instructions) throw error(Errc::usage, "the regular expression is too large");
        out_.emplace_back().op = op;
        return out_.size() - 1;
    }
    void save(std::size_t place) { out_[add(Op::save)].first = place; }

    void emit(const RegexNode& node) {
        switch (node.kind) {
        case Kind::empty: return;
        case Kind::one: out_[add(Op::one)].set = node.set; return;
        case Kind::row:
            for (const RegexNode& child : node.children) emit(child);
            return;
        case Kind::group: {
            const auto place = static_cast<std::size_t>(node.group) * 2;
            if (node.group) save(place);
            emit(node.children[0]);
            if (node.group) save(place + 1);
            return;
        }
        case Kind::either: return either(node);
        case Kind::repeat: return repeat(node);
        default: out_[add(Op::check)].condition = node.kind; return;
        }
    }

    void fork(std::size_t at, std::size_t in, std::size_t past, bool greedy) {
        out_[at].first = greedy ? in : past;
        out_[at].other = greedy ? past : in;
    }

    void either(const RegexNode& node) {
        std::vector<std::size_t> ends;
        for (std::size_t i = 0; i + 1 < node.children.size(); ++i) {
            const std::size_t at = add(Op::fork);
            emit(node.children[i]);
            ends.push_back(add(Op::go));
            fork(at, at + 1, out_.size(), true);
        }
        emit(node.children.back());
        for (const std::size_t end : ends) out_[end].first = out_.size();
    }

    void repeat(const RegexNode& node) {
        for (int i = 0; i < node.least; ++i) emit(node.children[0]);
        if (node.most < 0) {
            const std::size_t at = add(Op::fork);
            emit(node.children[0]);
            out_[add(Op::go)].first = at;
            fork(at, at + 1, out_.size(), node.greedy);
            return;
        }
        std::vector<std::size_t> forks;
        for (int i = node.least; i < node.most; ++i) {
            forks.push_back(add(Op::fork));
            emit(node.children[0]);
        }
        for (const std::size_t at : forks) fork(at, at + 1, out_.size(), node.greedy);
    }

    std::vector<Instruction> out_;
};

using Places = std::vector<std::size_t>;
struct Way {
    std::size_t at;
    Places places;
};

class Search {
public:
    Search(const std::vector<Instruction>& program, std::size_t places, const std::string& text)
        : program_(program), places_(places), text_(text), seen_(program.size(), nowhere) {}

    // The places of the first match from there; empty: none.
    Places run(std::size_t from) {
        std::vector<Way> now, next;
        Places found;
        std::fill(seen_.begin(), seen_.end(), nowhere);
        before_ = character_before(from);
        for (std::size_t at = from;;) {
            std::size_t end = at;
            const bool ended = at >= text_.size();
            const unsigned c = ended ? 0 : take_code_point(text_, end);
            if (found.empty()) follow(now, 0, Places(places_, nowhere), at, c);
            next.clear();
            for (Way& way : now) {
                const Instruction& one = program_[way.at];
                if (one.op == Op::match) {
                    found = std::move(way.places);
                    break; // those behind it are less preferred
                }
                if (!ended && one.set.has(c)) pending_.push_back(std::move(way));
            }
            if (ended) return found;
            before_ = c;
            std::size_t past = end;
            const unsigned following = past < text_.size() ? take_code_point(text_, past) : 0;
            for (Way& way : pending_) follow(next, way.at + 1, std::move(way.places), end, following);
            pending_.clear();
            now.swap(next);
            if (now.empty() && !found.empty()) return found;
            at = end;
        }
    }

private:
    unsigned character_before(std::size_t at) const {
        if (at == 0) return 0;
        do --at;
        while (at > 0 && (static_cast<unsigned char>(text_[at]) & 0xc0) == 0x80);
        return take_code_point(text_, at);
    }

    static bool is_word(unsigned c) { return c < 0x80 && c != 0 && is_letter_or_digit(c); }

    bool holds(Kind condition, std::size_t at, unsigned c) const {
        const bool edge = is_word(at > 0 ? before_ : 0) != is_word(at < text_.size() ? c : 0);
        switch (condition) {
        case Kind::text_begin: return at == 0;
        case Kind::text_end: return at == text_.size();
        case Kind::line_begin: return at == 0 || before_ == '\n';
        case Kind::line_end: return at == text_.size() || c == '\n';
        case Kind::word_edge: return edge;
        default: return !edge;
        }
    }

    // All that can be reached without a character, in the order of preference.
    void follow(std::vector<Way>& to, std::size_t start, Places begun, std::size_t at, unsigned c) {
        std::vector<Way> open;
        open.push_back({start, std::move(begun)});
        while (!open.empty()) {
            Way way = std::move(open.back());
            open.pop_back();
            if (std::exchange(seen_[way.at], at) == at) continue;
            const Instruction& one = program_[way.at];
            switch (one.op) {
            case Op::go: open.push_back({one.first, std::move(way.places)}); break;
            case Op::fork:
                open.push_back({one.other, way.places});
                open.push_back({one.first, std::move(way.places)});
                break;
            case Op::save:
                way.places[one.first] = at;
                open.push_back({way.at + 1, std::move(way.places)});
                break;
            case Op::check:
                if (holds(one.condition, at, c)) open.push_back({way.at + 1, std::move(way.places)});
                break;
            default: to.push_back(std::move(way));
            }
        }
    }

    const std::vector<Instruction>& program_;
    std::size_t places_;
    const std::string& text_;
    std::vector<std::size_t> seen_; // by instruction: where it was reached last
    std::vector<Way> pending_;
    unsigned before_ = 0;
};

} // namespace

struct Regex::Program {
    std::vector<Instruction> instructions;
    std::vector<std::string> groups;
};

Regex::Regex(const std::string& pattern) : program_(std::make_unique<Program>()) {
    ParsedRegex parsed = parse_regex(pattern);
    program_->groups = std::move(parsed.groups);
    program_->instructions = Compiler().run(parsed.root);
}
Regex::Regex(Regex&&) noexcept = default;
Regex::~Regex() = default;

const std::vector<std::string>& Regex::groups() const { return program_->groups; }

std::vector<Regex::Match> Regex::find(const std::string& text, std::size_t most) const {
    if (text.size() * program_->instructions.size() > most_steps)
        throw error(Errc::usage, "the text is too long for this regular expression");
    const std::size_t groups = program_->groups.size();
    Search search(program_->instructions, groups * 2, text);
    std::vector<Match> out;
    std::size_t last_end = nowhere;
    for (std::size_t at = 0; at <= text.size() && out.size() < most;) {
        const Places places = search.run(at);
        if (places.empty()) break;
        const std::size_t begin = places[0], end = places[1];
        // Behind a match, an empty one is none.
        if (begin != end || begin != last_end) {
            Match& match = out.emplace_back(groups);
            for (std::size_t i = 0; i < groups; ++i)
                if (places[2 * i] != nowhere && places[2 * i + 1] != nowhere)
                    match[i] = std::pair(places[2 * i], places[2 * i + 1]);
        }
        last_end = end;
        if (end > at) at = end;
        else if (at == text.size()) break;
        else take_code_point(text, at);
    }
    return out;
}

} // namespace davit::baking
