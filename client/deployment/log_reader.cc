#include "client/deployment/log_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

#include <nlohmann/json.hpp>

namespace comity {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
constexpr size_t kChunk = 1 << 20;

bool IsLevel(std::string_view word) { return std::ranges::find(kLevels, word) != kLevels.end(); }

// "2026-11-24T10:57:23.123Z"
bool LooksLikeTime(std::string_view word) {
  return word.size() >= 20 && word.back() == 'Z' && word[4] == '-' && word[10] == 'T';
}

std::string_view TakeWord(std::string_view& rest) {
  const size_t end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

// The end of a quoted JSON string that begins at 0, or the end of the text.
size_t EndOfQuoted(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

std::string ValueOf(std::string_view written) {
  if (!written.starts_with('"')) return std::string(written);
  const auto value = ordered_json::parse(written, nullptr, /*allow_exceptions=*/false);
  return value.is_string() ? value.get<std::string>() : std::string(written);
}

// Where the first "key=" of the fields begins: the event before it may have several words.
size_t BeginOfFields(std::string_view rest) {
  size_t word = 0;
  while (word < rest.size()) {
    const size_t end = std::min(rest.find(' ', word), rest.size());
    const size_t equals = rest.find('=', word);
    if (equals != std::string_view::npos && equals > word && equals < end) return word;
    word = end + 1;
  }
  return rest.size();
}

void ReadFields(std::string_view rest, LogLine& line) {
  while (!rest.empty()) {
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return;
    const std::string key(rest.substr(0, equals));
    rest.remove_prefix(equals + 1);
    const size_t end =
        rest.starts_with('"') ? EndOfQuoted(rest) : std::min(rest.find(' '), rest.size());
    line.fields.emplace_back(key, ValueOf(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

bool ReadJson(std::string_view text, LogLine& line) {
  const auto value = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object() || !value.contains("time") || !value.contains("event")) return false;
  for (const auto& [key, field] : value.items()) {
    const std::string written = field.is_string() ? field.get<std::string>() : field.dump();
    if (key == "time") {
      line.time = written;
    } else if (key == "level") {
      line.level = written;
    } else if (key == "event") {
      line.event = written;
    } else {
      line.fields.emplace_back(key, written);
    }
  }
  return true;
}

}  // namespace

LogLine ParseLogLine(std::string_view text, const std::string& time) {
  LogLine line;
  line.text = std::string(text);
  if (text.starts_with('{') && ReadJson(text, line)) return line;
  std::string_view rest = text;
  const std::string_view first = TakeWord(rest);
  const std::string_view second = TakeWord(rest);
  if (!LooksLikeTime(first) || !IsLevel(second)) {
    line.time = time;
    line.event = line.text;
    return line;
  }
  line.time = std::string(first);
  line.level = std::string(second);
  const size_t fields = BeginOfFields(rest);
  line.event = std::string(rest.substr(0, fields));
  while (line.event.ends_with(' ')) line.event.pop_back();
  ReadFields(rest.substr(fields), line);
  return line;
}

LogReader::LogReader(std::vector<Source> sources) {
  for (Source& source : sources) states_.push_back({std::move(source), 0, {}, {}});
}

std::vector<LogLine> LogReader::Poll() {
  std::vector<LogLine> lines;
  std::string buffer(kChunk, '\0');
  for (State& state : states_) {
    std::ifstream in(state.source.file, std::ios::binary | std::ios::ate);
    if (!in) continue;
    const auto size = static_cast<uint64_t>(in.tellg());
    if (size < state.offset) {
      state.offset = 0;
      state.rest.clear();
    }
    in.seekg(static_cast<std::streamoff>(state.offset));
    while (in) {
      in.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
      const auto got = static_cast<size_t>(in.gcount());
      state.offset += got;
      state.rest.append(buffer, 0, got);
    }
    size_t begin = 0;
    for (size_t end = 0; (end = state.rest.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      if (end == begin) continue;
      LogLine line =
          ParseLogLine(std::string_view(state.rest).substr(begin, end - begin), state.last_time);
      line.region = state.source.region;
      line.service = state.source.service;
      state.last_time = line.time;
      lines.push_back(std::move(line));
    }
    state.rest.erase(0, begin);
  }
  // Times of one form sort as text.
  std::ranges::stable_sort(lines, {}, &LogLine::time);
  return lines;
}

bool IsAtLeast(const LogLine& line, std::string_view least) {
  const auto wanted = std::ranges::find(kLevels, least);
  const auto has = std::ranges::find(kLevels, line.level.empty() ? "warn" : line.level);
  return wanted != kLevels.end() && has >= wanted;
}

}  // namespace comity
