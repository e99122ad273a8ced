/* SPDX-License-Identifier: MIT */
/*
 * A burst of a thousand pictures, a pool of ten, and memory that stays flat: the pool's queue is
 * bounded, so whoever submits waits when it is full, and only then reads the next picture.
 *
 *   pictures alive  <=  queue + workers + the one in the submitter's hand
 */
#include <boom/pool.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { PICTURES = 1000, WORKERS = 10, QUEUE = 16, SIDE = 256, SCALE = 8, THUMB = SIDE / SCALE };

static atomic_int n_alive, most_alive, n_thumbs;

struct picture {
    unsigned char grey; /* of each pixel: what the thumbnail must have, too */
    unsigned char pixels[SIDE][SIDE];
};

static struct picture *read_picture(int number)
{
    struct picture *picture = malloc(sizeof(*picture));
    int alive = atomic_fetch_add(&n_alive, 1) + 1, most = atomic_load(&most_alive);

    if (!picture)
        abort();
    while (alive > most && !atomic_compare_exchange_weak(&most_alive, &most, alive))
        continue;
    picture->grey = (unsigned char)number;
    for (int i = 0; i < SIDE * SIDE; i++)
        picture->pixels[i / SIDE][i % SIDE] = picture->grey;
    return picture;
}

static unsigned char mean(const struct picture *picture, int row, int column)
{
    unsigned sum = 0;

    for (int i = 0; i < SCALE * SCALE; i++)
        sum += picture->pixels[row * SCALE + i / SCALE][column * SCALE + i % SCALE];
    return (unsigned char)(sum / (SCALE * SCALE));
}

static void make_thumbnail(struct boom_ctx *ctx, void *arg)
{
    struct picture *picture = arg;
    unsigned char thumb[THUMB][THUMB];

    (void)ctx;
    for (int i = 0; i < THUMB * THUMB; i++)
        thumb[i / THUMB][i % THUMB] = mean(picture, i / THUMB, i % THUMB);
    if (thumb[0][0] == picture->grey && thumb[THUMB - 1][THUMB - 1] == picture->grey)
        atomic_fetch_add(&n_thumbs, 1);
    free(picture);
    atomic_fetch_sub(&n_alive, 1);
}

int main(void)
{
    struct boom_pool_options options = {"thumb", WORKERS, WORKERS, .queue = QUEUE};
    struct boom_pool *pool;

    if (boom_pool_new(NULL, &options, &pool) < 0)
        return 1;
    for (int i = 0; i < PICTURES; i++)
        if (boom_pool_submit(pool, NULL, make_thumbnail, read_picture(i)) < 0)
            return 1;
    boom_pool_drain(pool, NULL);
    boom_pool_free(pool);
    printf("%d thumbnails, at most %d pictures in memory at once\n", n_thumbs, most_alive);
    return n_thumbs != PICTURES || n_alive != 0 || most_alive > QUEUE + WORKERS + 1;
}
