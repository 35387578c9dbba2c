#include "remote/listing.h"
#include "base/alloc.h"
#include "base/error.h"
#include <expat.h>
#include <stdlib.h>

enum { MOST_TEXT = 8192 }; // keys have 1024 bytes, tokens some hundreds

typedef struct walk {
  XML_Parser parser;
  const grove_allocator *allocator;
  char text[MOST_TEXT]; // of the innermost element
  size_t n;
  bool cut;
  int depth;
  // A listing:
  grove__listing_page *page;
  char key[MOST_TEXT], id[MOST_TEXT];
  uint64_t bytes;
  bool truncated, listing;
  bool encoded; // keys are as in urls
  grove_status status;
  // One text:
  const char *wanted;
  char *found;
} walk;

// Names may come with a prefix of their namespace.
static const char *local_name(const char *name)
{
  const char *colon = strrchr(name, ':');
  return colon ? colon + 1 : name;
}

static void add_text(void *user, const XML_Char *text, int n)
{
  walk *w = user;
  if ((size_t)n >= sizeof w->text - w->n) {
    w->cut = true;
    return;
  }
  memcpy(w->text + w->n, text, (size_t)n);
  w->n += (size_t)n;
}

static void begin_element(void *user, const XML_Char *name, const XML_Char **attributes)
{
  walk *w = user;
  (void)attributes;
  if (w->depth++ == 0) {
    w->listing = !strcmp(local_name(name), w->page && w->page->upload ? "ListMultipartUploadsResult" : "ListBucketResult");
  }
  if (!strcmp(local_name(name), "Contents") || !strcmp(local_name(name), "Upload")) {
    w->key[0] = w->id[0] = '\0';
    w->bytes = 0;
  }
  w->n = 0;
  w->cut = false;
}

static void end_with(walk *w, grove_status status)
{
  w->status = status;
  (void)XML_StopParser(w->parser, XML_FALSE);
}

static int hex_of(char c)
{
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// As forms are encoded: a blank may be a plus. What is no encoding stays as it is. false: a zero byte, which no key has.
static bool decode_key(char *key)
{
  char *to = key;
  for (const char *from = key; *from; from++) {
    int high = *from == '%' ? hex_of(from[1]) : -1, low = high < 0 ? -1 : hex_of(from[2]);
    if (low >= 0) {
      if (!high && !low) {
        return false;
      }
      *to++ = (char)(high * 16 + low);
      from += 2;
    } else {
      *to++ = *from == '+' ? ' ' : *from;
    }
  }
  *to = '\0';
  return true;
}

static void keep_text(walk *w, char **to)
{
  grove__free_text(w->allocator, *to);
  *to = *w->text ? grove__copy_text(w->allocator, w->text) : NULL;
  if (*w->text && !*to) {
    end_with(w, GROVE_ENOMEM);
  }
}

// Of a listing of uploads, what that of objects has not.
static void end_of_uploads(walk *w, const char *name, int depth)
{
  if (depth == 3 && !strcmp(name, "UploadId")) {
    memcpy(w->id, w->text, w->n + 1);
  } else if (depth == 2 && !strcmp(name, "Upload")) {
    grove_status s = *w->id ? w->page->upload(w->page->user, w->key, w->id) : GROVE_OK;
    if (s) {
      end_with(w, s);
    }
  } else if (depth == 2 && !strcmp(name, "NextKeyMarker")) {
    if (w->encoded && !decode_key(w->text)) {
      end_with(w, GROVE_ECORRUPT);
    }
    keep_text(w, &w->page->next);
  } else if (depth == 2 && !strcmp(name, "NextUploadIdMarker")) {
    keep_text(w, &w->page->next_id);
  }
}

// Depths: 2 is a child of the result, 3 one of Contents.
static void end_element(void *user, const XML_Char *qualified)
{
  walk *w = user;
  const char *name = local_name(qualified);
  w->text[w->n] = '\0';
  int depth = w->depth--;
  if (w->wanted) {
    if (!w->found && !w->cut && !strcmp(name, w->wanted)) {
      w->found = grove__copy_text(w->allocator, w->text);
      end_with(w, w->found ? GROVE_OK : GROVE_ENOMEM);
    }
  } else if (w->cut) {
    end_with(w, GROVE_ECORRUPT);
  } else if (depth == 3 && !strcmp(name, "Key")) {
    memcpy(w->key, w->text, w->n + 1);
    if (w->encoded && !decode_key(w->key)) {
      end_with(w, GROVE_ECORRUPT);
    }
  } else if (depth == 3 && !strcmp(name, "Size")) {
    w->bytes = strtoull(w->text, NULL, 10);
  } else if (depth == 2 && !strcmp(name, "Contents") && w->page->object) {
    grove_status s = w->page->object(w->page->user, w->key, w->bytes);
    if (s) {
      end_with(w, s);
    }
  } else if (depth == 2 && !strcmp(name, "IsTruncated")) {
    w->truncated = !strcmp(w->text, "true");
  } else if (depth == 2 && !strcmp(name, "NextContinuationToken")) {
    keep_text(w, &w->page->next);
  } else if (w->page->upload) {
    end_of_uploads(w, name, depth);
  }
  w->n = 0; // what stands between elements is nobody's
}

// Entities that are declared in the document could grow without end: there are none in what S3 sends.
static void refuse_entity(void *user, const XML_Char *name, int parameter, const XML_Char *value,
    int n, const XML_Char *base, const XML_Char *system, const XML_Char *public_id,
    const XML_Char *notation)
{
  (void)name, (void)parameter, (void)value, (void)n, (void)base, (void)system, (void)public_id;
  (void)notation;
  end_with(user, GROVE_ECORRUPT);
}

static bool parse(walk *w, const char *xml, size_t n)
{
  w->parser = XML_ParserCreate(NULL);
  if (!w->parser) {
    w->status = GROVE_ENOMEM;
    return false;
  }
  XML_SetUserData(w->parser, w);
  XML_SetElementHandler(w->parser, begin_element, end_element);
  XML_SetCharacterDataHandler(w->parser, add_text);
  XML_SetEntityDeclHandler(w->parser, refuse_entity);
  bool good = n <= INT32_MAX && XML_Parse(w->parser, xml, (int)n, XML_TRUE) == XML_STATUS_OK;
  XML_ParserFree(w->parser);
  return good;
}

grove_status grove__listing_parse(const grove_allocator *a, const char *xml, size_t n,
    grove__listing_page *page, grove_error *err)
{
  page->next = page->next_id = NULL;
  walk *w = grove__alloc_zero(a, sizeof *w);
  if (!w) {
    return grove__error_memory(err, "a listing", sizeof *w);
  }
  w->allocator = a;
  w->page = page;
  char *encoding; // some servers say so behind the keys
  if (grove__xml_text(a, xml, n, "EncodingType", &encoding)) {
    grove__free(a, w, sizeof *w);
    return grove__error_memory(err, "a listing", sizeof *w);
  }
  w->encoded = encoding && !strcmp(encoding, "url");
  grove__free_text(a, encoding);
  bool good = parse(w, xml, n);
  grove_status s = w->status;
  if (!s && (!good || !w->listing || (w->truncated && !page->next))) {
    s = GROVE_ECORRUPT;
  }
  if (!w->truncated || s) {
    grove__free_text(a, page->next);
    grove__free_text(a, page->next_id);
    page->next = page->next_id = NULL;
  }
  grove__free(a, w, sizeof *w);
  return s == GROVE_ECORRUPT
             ? grove__error(err, s, -1, "the answer is no listing of a bucket (ListObjectsV2)")
         : s == GROVE_ENOMEM ? grove__error_memory(err, "a listing", n)
                             : s;
}

grove_status grove__xml_text(
    const grove_allocator *a, const char *xml, size_t n, const char *element, char **out)
{
  *out = NULL;
  walk *w = grove__alloc_zero(a, sizeof *w);
  if (!w) {
    return GROVE_ENOMEM;
  }
  w->allocator = a;
  w->wanted = element;
  (void)parse(w, xml, n); // what was found before a flaw was found
  grove_status s = w->status == GROVE_ENOMEM ? GROVE_ENOMEM : GROVE_OK;
  *out = w->found;
  grove__free(a, w, sizeof *w);
  return s;
}
